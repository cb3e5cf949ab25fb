import type { Poller } from "@vmmkit/posix";
import {
  type DeviceQueue,
  type DeviceState,
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  type VirtioInterface,
} from "@vmmkit/virtio";
import { GuestMemory, type Vm } from "@vmmkit/vm";
import type { ChainRecord } from "./chain-record.ts";
import type { DirtyLog } from "./dirty-log.ts";
import { makePlainQueue } from "./discarded-queue.ts";
import { RequestError } from "./errors.ts";
import type { InflightArea } from "./inflight.ts";
import { MemoryTable } from "./memory-table.ts";
import { PackedRecord } from "./packed-record.ts";
import { VHOST_F_LOG_ALL, VHOST_USER_F_PROTOCOL_FEATURES } from "./spec.ts";
import { SplitRecord } from "./split-record.ts";
import { TrackedQueue } from "./tracked-queue.ts";
import { Vring } from "./vring.ts";

/** How a device reaches its driver. */
export interface VhostUserHooks {
  /** The driver is to be interrupted: for queue `irq`, or with -1 for a change of configuration. */
  interrupt(irq: number): void;
  /** The interrupt status became 0. Means nothing here: there is no line. */
  lowerIrq(): void;
}

/** What is served: anything that has a device's state, as a `NetDevice` has. */
export interface VhostUserDevice {
  readonly state: DeviceState;
  /**
   * The driver uses the queues 0 to `count` - 1. The front-end may have the driver's control queue, and says so by
   * enabling rings.
   */
  queuesInUse?(count: number): void;
  /**
   * Whether nothing comes of what is made available in a queue that the front-end has disabled: of a network card's frames to
   * send, say, which are thrown away then. Other queues are left alone while they are disabled; all are without this.
   */
  discardsWhileDisabled?(index: number): boolean;
}

const ALIVE =
  VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
/** Bits that are the protocol's, and not the device's. */
const OWN_BITS = 2 ** VHOST_F_LOG_ALL + 2 ** VHOST_USER_F_PROTOCOL_FEATURES;

/**
 * A device whose driver is known by what a front-end says of it: features, rings, memory. The driver's status is not
 * among that (or not with all front-ends), so the device is up when its first ring can start.
 */
export class ServedDevice<Device extends VhostUserDevice = VhostUserDevice> {
  readonly device: Device;
  readonly memory: GuestMemory = new GuestMemory();
  readonly table: MemoryTable = new MemoryTable(this.memory);
  readonly rings: readonly Vring[];
  /** Told of changes of the configuration. */
  onConfigChange: () => void = () => {};
  #features: readonly [low: number, high: number] | null = null;
  #log: DirtyLog | null = null;
  #inflight: InflightArea | null = null;
  /** What the device was told of queues in use; -1 since its reset nothing. */
  #inUse = -1;

  constructor(makeDevice: (vm: Vm, hooks: VhostUserHooks) => Device, poller: Poller) {
    const hooks: VhostUserHooks = {
      interrupt: (irq) => {
        if (irq < 0) this.#configChanged();
        else this.rings[irq]?.interrupt();
      },
      lowerIrq: () => {
        // Rings are signalled through descriptors, which have no level.
      },
    };
    const interrupts = { setLine: hooks.lowerIrq };
    this.device = makeDevice({ memory: this.memory, interrupts }, hooks);
    const { state } = this.device;
    state.wrapQueue = (index, queue) => this.#track(index, queue);
    this.rings = state.device.queueSizes.map((_, index) => new Vring(index, state, poller));
  }

  /** What the device offers, with the protocol's own bits. */
  get offered(): readonly [low: number, high: number] {
    const { state } = this.device;
    return [(state.offered(0, "legacy") | OWN_BITS) >>> 0, state.offered(1, "modern")];
  }

  /** SET_FEATURES. Rings that work go on working if nothing changes but the log. */
  setFeatures(low: number, high: number): void {
    const before = this.#features;
    this.#features = [low, high];
    this.#applyLog();
    if (before !== null && ((before[0] ^ low) & ~OWN_BITS) === 0 && before[1] === high) {
      this.settle();
      return;
    }
    for (const ring of this.rings) ring.stop();
    this.device.state.reset();
    this.settle();
  }

  /** Starts the rings that can, and stops those that may not run. @throws RequestError for one that cannot be */
  settle(): void {
    for (const ring of this.rings) {
      if (ring.running ? !this.#mayRun(ring) : ring.discarding && !this.#isDiscarded(ring)) ring.stop();
    }
    for (const ring of this.rings) if (!ring.running && this.#mayRun(ring)) this.#start(ring);
    for (const ring of this.rings) if (!ring.discarding && this.#isDiscarded(ring)) this.#discard(ring);
    this.#tellUse();
  }

  /** The ring of a number. @throws RequestError */
  ring(index: number): Vring {
    const ring = this.rings[index];
    if (ring === undefined) throw new RequestError(`there is no ring ${index}`);
    return ring;
  }

  /** Where writes to guest memory are noted from now on, as long as the front-end wants that; null for nowhere. */
  setLog(log: DirtyLog | null): void {
    this.#log?.close();
    this.#log = log;
    this.#applyLog();
  }

  /** The device needs a reset by its driver. */
  get needsReset(): boolean {
    return (this.device.state.status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0;
  }

  /** Where what is in flight is on record, for rings that start from now on. */
  setInflight(area: InflightArea | null): void {
    this.#inflight?.close();
    this.#inflight = area;
  }

  /** Whether the front-end agreed on packed rings. */
  get isPacked(): boolean {
    return this.#features !== null && (this.#features[1] & (1 << (VIRTIO_F_RING_PACKED - 32))) !== 0;
  }

  /** Back to power-on. The front-end's memory stays. */
  reset(): void {
    for (const ring of this.rings) ring.reset();
    this.#features = null;
    this.device.state.reset();
    this.#inflight?.clear();
  }

  /** The front-end is gone. */
  release(): void {
    // What is given back with this is on record, for as long as the record is there.
    for (const ring of this.rings) ring.reset();
    this.setInflight(null);
    this.reset();
    this.setLog(null);
    this.table.clear();
  }

  /** A change of configuration, or an error: the front-end is told of both. */
  #configChanged(): void {
    for (const [index, queue] of this.device.state.queues.entries()) {
      if (queue.error !== null) this.rings[index]?.fail();
    }
    this.onConfigChange();
  }

  #track(index: number, queue: DeviceQueue): DeviceQueue {
    const inner = queue instanceof TrackedQueue ? queue.inner : queue;
    const record = this.#recordOf(index, inner.size);
    return record === null ? inner : new TrackedQueue(inner, record);
  }

  #recordOf(index: number, size: number): ChainRecord | null {
    const area = this.#inflight;
    if (area === null) return null;
    if (this.isPacked) {
      const region = area.packedRegion(index, size);
      return region === null ? null : new PackedRecord(this.memory, region);
    }
    const region = area.region(index, size);
    return region === null ? null : new SplitRecord(this.memory, region);
  }

  #mayRun(ring: Vring): boolean {
    if (this.#features === null || !ring.complete) return false;
    return (this.#features[0] & (1 << VHOST_USER_F_PROTOCOL_FEATURES)) === 0 || ring.enabled === true;
  }

  /**
   * Whether a ring is started but disabled, and what is sent there is to be thrown away. One of which nothing was said yet is
   * left alone: a front-end that comes back sets rings up before it enables them, and what its guest sent meanwhile would
   * be lost.
   */
  #isDiscarded(ring: Vring): boolean {
    if (!this.device.state.running || !ring.complete || ring.enabled !== false || this.#mayRun(ring)) return false;
    return this.device.discardsWhileDisabled?.(ring.index) === true;
  }

  #discard(ring: Vring): void {
    const queue = makePlainQueue(this.device.state, this.memory, ring.index, ring.size);
    ring.discard(this.#track(ring.index, queue));
  }

  #start(ring: Vring): void {
    this.#bringUp();
    this.#tellUse();
    if (!ring.start()) throw new RequestError(`ring ${ring.index} cannot have ${ring.size} entries`);
  }

  #tellUse(): void {
    if (!this.device.state.running) return;
    const inUse = this.rings.reduce((count, ring) => (this.#mayRun(ring) ? ring.index + 1 : count), 0);
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    this.device.queuesInUse?.(inUse);
  }

  /** What a driver does with status and features. */
  #bringUp(): void {
    const { state } = this.device;
    if (state.running || this.#features === null) return;
    this.#inUse = -1;
    const [low, high] = this.#features;
    const by: VirtioInterface = (high & (1 << (VIRTIO_F_VERSION_1 - 32))) !== 0 ? "modern" : "legacy";
    state.reset();
    state.writeStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER, by);
    state.writeFeatures(0, low & state.offered(0, by), by);
    state.writeFeatures(1, high & state.offered(1, by), by);
    // Which features go together was settled between the driver and the VMM, which may keep some of them to itself, as
    // QEMU does with the control queue. The device leaves alone what lacks the feature that it stands on.
    state.writeStatus(ALIVE, "legacy");
  }

  #applyLog(): void {
    const log = this.#log;
    const wanted = this.#features !== null && (this.#features[0] & (1 << VHOST_F_LOG_ALL)) !== 0;
    this.memory.writeObserver = log !== null && wanted ? (gpa, lengthBytes) => log.note(gpa, lengthBytes) : null;
  }
}
