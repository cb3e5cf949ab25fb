import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hub, type HubPort } from "@vmmkit/backend-loopback";
import { ensureQemu } from "@vmmkit/linux-guest";
import { serveVfioUser, type VfioUserServer } from "@vmmkit/vfio-user";
import { makeVirtioNetFunction, type VirtioNetFunction } from "@vmmkit/virtio-net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { QemuGuest } from "./support/qemu/qemu-guest.ts";
import { sharedMemory } from "./support/shared-memory.ts";
import { configure, fetchFile, noLoss, ping, serveFile } from "./support/traffic.ts";

const impossible = process.arch === "x64" ? null : "QEMU with vfio-user is fetched for x64 alone";

/** A card at a socket. */
class ServedCard {
  readonly path: string;
  readonly #hub: Hub;
  readonly log: string[] = [];
  #server: VfioUserServer;
  #card: VirtioNetFunction | null = null;
  #port: HubPort | null = null;

  constructor(path: string, hub: Hub) {
    this.path = path;
    this.#hub = hub;
    this.#server = this.#serve();
  }

  /** The server goes, as if it had crashed, and another one with another card takes its place. */
  async restart(): Promise<void> {
    await this.close();
    this.#server = this.#serve();
  }

  get card(): VirtioNetFunction {
    if (this.#card === null) throw new Error("no card");
    return this.#card;
  }

  get server(): VfioUserServer {
    return this.#server;
  }

  get device(): string {
    const socket = { type: "unix", path: this.path };
    return JSON.stringify({ driver: "vfio-user-pci", socket });
  }

  async close(): Promise<void> {
    this.#server.close();
    this.card.device.close();
    await this.#port?.close();
  }

  #serve(): VfioUserServer {
    return serveVfioUser({
      listen: this.path,
      log: (line) => this.log.push(line),
      makeFunction: (vm) => {
        this.#port = this.#hub.port();
        this.#card = makeVirtioNetFunction(vm, this.#port);
        return this.#card.function;
      },
    });
  }
}

describe.skipIf(impossible !== null)(`the card in QEMU over vfio-user${because(impossible)}`, () => {
  let folder: string;
  let command: string[];
  let served: ServedCard;
  let qemu: QemuGuest;
  let peer: CardGuest;
  const hub = new Hub();

  async function boot(): Promise<QemuGuest> {
    const parameters = [...sharedMemory("q35"), "-device", served.device];
    return QemuGuest.boot("QEMU's guest", [], { command, parameters });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vmmkit-vfio-user-"));
    command = await ensureQemu();
    served = new ServedCard(join(folder, "nic.sock"), hub);
    qemu = await boot();
    peer = await CardGuest.boot("peer", [{ backend: hub.port({ name: "peer" }) }]);
    await configure(peer, "eth0", "10.0.0.2");
    await configure(qemu, "eth0", "10.0.0.1");
  });

  afterAll(async () => {
    await qemu?.destroy();
    await peer?.destroy();
    await served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("Linux finds it, and pings through it", async () => {
    expect(await ping(qemu, "10.0.0.2", { count: 20 })).toEqual(noLoss(20));
    expect(await ping(peer, "10.0.0.1", { size: 1400 })).toEqual(noLoss(5));
  });

  it("a file goes each way, and its checksum holds", async () => {
    const [theirs, ours] = [await serveFile(qemu, 4), await serveFile(peer, 4)];
    expect(await fetchFile(peer, "10.0.0.1", theirs)).toBe(theirs.md5);
    expect(await fetchFile(qemu, "10.0.0.2", ours)).toBe(ours.md5);
  });

  it("the client agreed on everything, and no frame was refused", () => {
    expect(served.log).toEqual([]);
    expect(served.server.counters.failures).toBe(0);
    const { transmit, receive, transmitQueue, receiveQueue } = served.card.device.counters;
    expect(
      Object.values(transmit.dropped)
        .concat(Object.values(receive.dropped))
        .every((n) => n === 0),
    ).toBe(true);
    expect(transmitQueue.stopped + receiveQueue.stopped).toBe(0);
  });

  it("the guest reboots three times, and each time the card is there again", async () => {
    for (let round = 0; round < 3; round++) {
      await qemu.reboot();
      await configure(qemu, "eth0", "10.0.0.1");
      expect(await ping(qemu, "10.0.0.2")).toEqual(noLoss(5));
    }
  });

  it("the server goes away under the guest, which lives on; another one serves the next guest", async () => {
    await served.restart();
    expect(await qemu.sh("echo alive")).toBe("alive");
    await qemu.destroy();
    qemu = await boot();
    await configure(qemu, "eth0", "10.0.0.1");
    expect(await ping(qemu, "10.0.0.2")).toEqual(noLoss(5));
  });
});
