import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { datagramBackend, type SocketBackend, streamBackend } from "@vmmkit/backend-socket";
import { type QemuCard, QemuGuest, whyNoQemu } from "@vmmkit/peers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { configure, fetchFile, noLoss, ping, serveFile, waitUntil } from "./support/traffic.ts";

const impossible = await whyNoQemu();

/** Loopback addresses that no other process is likely to use. */
const NEAR = `127.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}.2`;
const FAR = NEAR.replace(/2$/, "3");
const PORT = 7001;

const WIRES = ["stream, UNIX", "stream, TCP", "dgram, UNIX", "dgram, UDP"] as const;

/** A wire of each kind: our end and QEMU's. */
interface Wires {
  readonly backends: readonly SocketBackend[];
  readonly cards: readonly QemuCard[];
}

function makeWires(folder: string): Wires {
  const [stream, ours, theirs] = [join(folder, "stream"), join(folder, "ours"), join(folder, "theirs")];
  const backends = [
    streamBackend({ connect: { family: "unix", path: stream } }),
    streamBackend({ listen: { family: "ipv4", address: NEAR, port: PORT } }),
    datagramBackend({ local: { family: "unix", path: ours }, remote: { family: "unix", path: theirs } }),
    datagramBackend({
      local: { family: "ipv4", address: NEAR, port: PORT },
      remote: { family: "ipv4", address: FAR, port: PORT },
    }),
  ];
  const netdevs = [
    `stream,server=on,addr.type=unix,addr.path=${stream}`,
    `stream,server=off,addr.type=inet,addr.host=${NEAR},addr.port=${PORT}`,
    `dgram,local.type=unix,local.path=${theirs},remote.type=unix,remote.path=${ours}`,
    `dgram,local.type=inet,local.host=${FAR},local.port=${PORT},remote.type=inet,remote.host=${NEAR},remote.port=${PORT}`,
  ];
  const cards = netdevs.map((netdev, i) => ({ mac: `52:54:00:00:00:0${i + 1}`, netdev }));
  return { backends, cards };
}

describe.skipIf(impossible !== null)(`a guest of QEMU's and one of ours on a wire${because(impossible)}`, () => {
  let folder: string;
  let wires: Wires;
  let qemu: QemuGuest;
  let ours: CardGuest;

  /** Gives QEMU's guest its addresses: 10.5.0.2 on the first wire, and so on. */
  async function configureQemu(): Promise<void> {
    for (const i of WIRES.keys()) await configure(qemu, `eth${i}`, `10.${5 + i}.0.2`);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vmmkit-wires-"));
    wires = makeWires(folder);
    qemu = await QemuGuest.boot("QEMU's guest", wires.cards);
    ours = await CardGuest.boot(
      "our guest",
      wires.backends.map((backend) => ({ backend })),
    );
    await Promise.all(wires.backends.map((backend) => backend.whenUp()));
    await configureQemu();
    for (const i of WIRES.keys()) await configure(ours, `eth${i}`, `10.${5 + i}.0.1`);
  });

  afterAll(async () => {
    await ours?.destroy();
    await qemu?.destroy();
    for (const backend of wires?.backends ?? []) await backend.close();
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(WIRES.map((name, i) => ({ name, i })))("$name", ({ i }) => {
    const net = `10.${5 + i}.0`;

    it("ping each other", async () => {
      expect(await ping(ours, `${net}.2`)).toEqual(noLoss(5));
      expect(await ping(qemu, `${net}.1`, { size: 1400 })).toEqual(noLoss(5));
    });

    it("a file goes each way, and its checksum holds", async () => {
      const [theirFile, ourFile] = [await serveFile(qemu, 1), await serveFile(ours, 1)];
      expect(await fetchFile(ours, `${net}.2`, theirFile)).toBe(theirFile.md5);
      expect(await fetchFile(qemu, `${net}.1`, ourFile)).toBe(ourFile.md5);
    });
  });

  it("QEMU ends: the link goes down; QEMU is there again: so is the link, and frames flow", async () => {
    await qemu.destroy();
    await waitUntil(ours, "[ $(cat /sys/class/net/eth0/carrier) = 0 ]");
    qemu = await QemuGuest.boot("QEMU's second guest", wires.cards);
    await configureQemu();
    await waitUntil(ours, "[ $(cat /sys/class/net/eth0/carrier) = 1 ]");
    for (const i of WIRES.keys()) expect(await ping(ours, `10.${5 + i}.0.2`)).toEqual(noLoss(5));
  });

  it("no card complained of its guest", () => {
    expect(ours.complaints).toEqual([]);
  });
});
