import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hub, type HubPort } from "@vmmkit/backend-loopback";
import { ensureQemu } from "@vmmkit/linux-guest";
import { QemuGuest, sharedMemory } from "@vmmkit/peers";
import { serveVfioUser, type VfioUserServer } from "@vmmkit/vfio-user";
import { makeVirtioNetFunction, type VirtioNetFunction } from "@vmmkit/virtio-net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { configure, fetchFile, noLoss, ping, serveFile } from "./support/traffic.ts";

const impossible = process.arch === "x64" ? null : "QEMU with vfio-user is fetched for x64 alone";

/** The card as each of its interfaces has it: with the pin, or with MSI-X. */
const KINDS = [
  { transport: "legacy", msix: false },
  { transport: "transitional", msix: true },
  { transport: "modern", msix: true },
] as const;

/** A card at a socket. */
class ServedCard {
  readonly log: string[] = [];
  readonly #path: string;
  readonly #hub: Hub;
  readonly #kind: (typeof KINDS)[number];
  #server: VfioUserServer;
  #card: VirtioNetFunction | null = null;
  #port: HubPort | null = null;

  constructor(folder: string, hub: Hub, kind: (typeof KINDS)[number]) {
    this.#path = join(folder, `${kind.transport}.sock`);
    this.#hub = hub;
    this.#kind = kind;
    this.#server = this.#serve();
  }

  get card(): VirtioNetFunction {
    if (this.#card === null) throw new Error("no card");
    return this.#card;
  }

  get server(): VfioUserServer {
    return this.#server;
  }

  /** What QEMU has to be told. */
  get parameters(): string[] {
    const socket = { type: "unix", path: this.#path };
    return ["-device", JSON.stringify({ driver: "vfio-user-pci", socket })];
  }

  /** The server goes, as if it had crashed, and another one with another card takes its place. */
  async restart(): Promise<void> {
    await this.close();
    this.#server = this.#serve();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.card.device.close();
    await this.#port?.close();
  }

  #serve(): VfioUserServer {
    return serveVfioUser({
      listen: this.#path,
      log: (line) => this.log.push(line),
      makeFunction: (vm) => {
        this.#port = this.#hub.port();
        const log = (line: string): void => void this.log.push(line);
        this.#card = makeVirtioNetFunction(vm, this.#port, { ...this.#kind, log });
        return this.#card.function;
      },
    });
  }
}

describe.skipIf(impossible !== null)(`cards in QEMU over vfio-user${because(impossible)}`, () => {
  let folder: string;
  let command: string[];
  let served: ServedCard[];
  let qemu: QemuGuest;
  let peer: CardGuest;
  const hub = new Hub();

  async function boot(): Promise<QemuGuest> {
    const parameters = [...sharedMemory("q35"), ...served.flatMap((one) => one.parameters)];
    return QemuGuest.boot("QEMU's guest", [], { command, parameters });
  }

  /** Each card of QEMU's guest has a network of its own with the peer's one: 10.1.0.0/24 and so on. */
  async function configureQemu(): Promise<void> {
    for (const i of KINDS.keys()) await configure(qemu, `eth${i}`, `10.${i + 1}.0.1`);
  }

  async function pingAll(count: number): Promise<void> {
    for (const i of KINDS.keys()) expect(await ping(qemu, `10.${i + 1}.0.2`, { count })).toEqual(noLoss(count));
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vmmkit-vfio-user-"));
    command = await ensureQemu();
    served = KINDS.map((kind) => new ServedCard(folder, hub, kind));
    qemu = await boot();
    peer = await CardGuest.boot("peer", [{ backend: hub.port({ name: "peer" }) }]);
    await configureQemu();
    await peer.sh(`ip link set eth0 up; ${[1, 2, 3].map((i) => `ip addr add 10.${i}.0.2/24 dev eth0`).join("; ")}`);
  });

  afterAll(async () => {
    await qemu?.destroy();
    await peer?.destroy();
    for (const one of served ?? []) await one.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("Linux takes each for what it is, with the interrupts that it has", async () => {
    const modernBits = await qemu.sh("cut -c 33 /sys/bus/virtio/devices/virtio?/features");
    expect(modernBits.split("\n")).toEqual(["0", "1", "1"]);
    const interrupts = await qemu.sh("cat /proc/interrupts");
    for (const name of ["virtio1-input.0", "virtio1-output.0", "virtio2-input.0", "virtio2-output.0"]) {
      expect(interrupts).toMatch(new RegExp(`PCI-MSI.* ${name}`));
    }
    expect(interrupts).toMatch(/IO-APIC.* virtio0/);
  });

  describe.each(KINDS.map(({ transport }, i) => ({ transport, net: `10.${i + 1}.0` })))("$transport", ({ net }) => {
    it("pings both ways, none lost", async () => {
      expect(await ping(qemu, `${net}.2`, { count: 20 })).toEqual(noLoss(20));
      expect(await ping(peer, `${net}.1`, { size: 1400 })).toEqual(noLoss(5));
    });

    it("a file goes each way, and its checksum holds", async () => {
      const [theirs, ours] = [await serveFile(qemu, 1), await serveFile(peer, 1)];
      expect(await fetchFile(peer, `${net}.1`, theirs)).toBe(theirs.md5);
      expect(await fetchFile(qemu, `${net}.2`, ours)).toBe(ours.md5);
    });
  });

  it("the client agreed on everything, and no frame was refused", () => {
    for (const { log, server, card } of served) {
      expect(log).toEqual([]);
      expect(server.counters.failures).toBe(0);
      const { transmit, receive, transmitQueue, receiveQueue } = card.device.counters;
      expect(
        Object.values(transmit.dropped)
          .concat(Object.values(receive.dropped))
          .every((n) => n === 0),
      ).toBe(true);
      expect(transmitQueue.stopped + receiveQueue.stopped).toBe(0);
    }
  });

  it("the guest reboots ten times, and each time the cards are there again", async () => {
    for (let round = 0; round < 10; round++) {
      await qemu.reboot();
      await configureQemu();
      await pingAll(2);
    }
  });

  it("the servers go away under the guest, which lives on; others serve the next guest", async () => {
    for (const one of served) await one.restart();
    expect(await qemu.sh("echo alive")).toBe("alive");
    await qemu.destroy();
    qemu = await boot();
    await configureQemu();
    await pingAll(5);
  });
});
