import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hub } from "@vmmkit/backend-loopback";
import { QemuGuest, sharedMemory, whyNoQemu } from "@vmmkit/peers";
import { serveVhostUser, type VhostUserBackend } from "@vmmkit/vhost-user";
import { NetDevice } from "@vmmkit/virtio-net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { configure, fetchFile, noLoss, ping, serveFile } from "./support/traffic.ts";

const impossible = await whyNoQemu();

/** One guest has the legacy interface and the back-end listens, the other the modern one and the back-end connects. */
const KINDS = [
  { name: "legacy", device: "mac=52:54:00:00:00:11,disable-legacy=off,disable-modern=on", server: "" },
  { name: "modern", device: "mac=52:54:00:00:00:12,disable-legacy=on", server: ",server=on,wait=on" },
] as const;

/** A back-end on a hub's port, and the QEMU that has it. */
class Served {
  readonly log: string[] = [];
  readonly #path: string;
  readonly #hub: Hub;
  readonly #kind: (typeof KINDS)[number];
  backend: VhostUserBackend<NetDevice>;

  constructor(folder: string, hub: Hub, kind: (typeof KINDS)[number]) {
    this.#path = join(folder, `${kind.name}.sock`);
    this.#hub = hub;
    this.#kind = kind;
    this.backend = this.#serve();
  }

  /** The back-end goes, as if it had crashed, and another one takes its place. */
  restart(): void {
    this.close();
    this.backend = this.#serve();
  }

  close(): void {
    this.backend.close();
    this.backend.device.close();
  }

  /** QEMU 7.2 without KVM loses interrupts of a vhost-user device that has MSI-X: hence no vectors. */
  boot(): Promise<QemuGuest> {
    const { name, device, server } = this.#kind;
    const reconnect = server === "" ? ",reconnect=1" : "";
    const parameters = [
      ...sharedMemory("pc"),
      ...["-chardev", `socket,id=c,path=${this.#path}${server}${reconnect}`],
      ...["-netdev", "vhost-user,id=n,chardev=c"],
      ...["-device", `virtio-net-pci,netdev=n,vectors=0,romfile=,${device}`],
    ];
    return QemuGuest.boot(name, [], { parameters });
  }

  #serve(): VhostUserBackend<NetDevice> {
    const where = this.#kind.server === "" ? { listen: this.#path } : { connect: this.#path };
    return serveVhostUser({
      ...where,
      log: (line) => this.log.push(line),
      makeDevice: (vm, hooks) => new NetDevice(vm, this.#hub.port(), hooks, { log: (line) => this.log.push(line) }),
    });
  }
}

describe.skipIf(impossible !== null)(`guests of QEMU over vhost-user${because(impossible)}`, () => {
  let folder: string;
  let served: Served[];
  let legacy: QemuGuest;
  let modern: QemuGuest;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vmmkit-vhost-user-"));
    const hub = new Hub();
    served = KINDS.map((kind) => new Served(folder, hub, kind));
    [legacy, modern] = (await Promise.all(served.map((one) => one.boot()))) as [QemuGuest, QemuGuest];
    await configure(legacy, "eth0", "10.0.0.1");
    await configure(modern, "eth0", "10.0.0.2");
  });

  afterAll(async () => {
    await legacy?.destroy();
    await modern?.destroy();
    for (const one of served ?? []) one.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("Linux speaks legacy to one and modern to the other, and they ping each other", async () => {
    const modernBit = "cut -c 33 /sys/bus/virtio/devices/virtio0/features";
    expect(await Promise.all([legacy.sh(modernBit), modern.sh(modernBit)])).toEqual(["0", "1"]);
    expect(await ping(legacy, "10.0.0.2", { count: 20 })).toEqual(noLoss(20));
    expect(await ping(modern, "10.0.0.1", { size: 1400 })).toEqual(noLoss(5));
  });

  it("a file goes each way, and its checksum holds", async () => {
    const [one, other] = [await serveFile(legacy, 2), await serveFile(modern, 2)];
    expect(await fetchFile(modern, "10.0.0.1", one)).toBe(one.md5);
    expect(await fetchFile(legacy, "10.0.0.2", other)).toBe(other.md5);
  });

  it("no request failed and no queue stopped", () => {
    for (const { backend, log } of served) {
      expect(log).toEqual([]);
      expect(backend.counters.failures).toBe(0);
      const { transmitQueue, receiveQueue } = backend.device.counters;
      expect(transmitQueue.stopped + receiveQueue.stopped).toBe(0);
    }
  });

  it("a guest reboots, and its card works again", async () => {
    await legacy.reboot();
    await configure(legacy, "eth0", "10.0.0.1");
    expect(await ping(legacy, "10.0.0.2")).toEqual(noLoss(5));
  });

  it("the back-end goes away and comes back under a running guest", async () => {
    for (const one of served) one.restart();
    const both = async (): Promise<boolean> => served.every(({ backend }) => backend.connected);
    while (!(await both())) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await ping(legacy, "10.0.0.2", { count: 10 })).toEqual(noLoss(10));
    expect(await ping(modern, "10.0.0.1", { count: 10 })).toEqual(noLoss(10));
  });
});
