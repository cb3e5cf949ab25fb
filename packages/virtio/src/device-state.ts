import type { GuestMemory, Restoration, Saveable } from "@vmmkit/vm";
import { checkDeviceState, type VirtioState } from "./check-device-state.ts";
import type { VirtioDevice } from "./device.ts";
import { DeviceQueues, queueFeatures } from "./device-queues.ts";
import { DriverFeatures, type VirtioInterface } from "./driver-features.ts";
import { modernStatus } from "./modern-status.ts";
import type { DeviceQueue } from "./queue/device-queue.ts";
import type { QueueError } from "./queue/errors.ts";
import { legacyLayout } from "./queue/layout.ts";
import type { QueueCounters } from "./queue/queue-counters.ts";
import * as spec from "./spec.ts";

/** How a device's state reaches the world outside it. */
export interface DeviceStateHooks {
  /** The interrupt status became zero: the line goes down. */
  lowerIrq(): void;
  /** The guest is to be interrupted; `irq` is the queue, or -1 for a change of configuration. */
  raiseIrq(irq: number): void;
  /** One line for people: a queue stopped. At most one between two resets. */
  log(line: string): void;
}

/** Where a driver puts a queue (VIRTIO 1.2, 4.1.4.3): guest physical addresses of its three parts. */
export interface QueuePlace {
  /** Entries, from 1 to the most that the device gives the queue; a power of two for a split virtqueue. */
  readonly size: number;
  /** Split: the descriptor table. Packed: the descriptor ring. */
  readonly descTable: number;
  /** Split: the available ring. Packed: the driver event suppression structure. */
  readonly driverArea: number;
  /** Split: the used ring. Packed: the device event suppression structure. */
  readonly deviceArea: number;
}

/**
 * The state of a virtio device that does not depend on its transport: status, features, queues and interrupt
 * status (VIRTIO 1.2, 2.1 to 2.6). A transport reads and writes it for the guest; so does a server for another VMM.
 */
export class DeviceState implements Saveable {
  /** What the device offers. */
  readonly device: VirtioDevice;
  readonly counters: readonly QueueCounters[];
  /** Interrupt status: VIRTIO_PCI_ISR_*. */
  isr = 0;
  /** Puts something in front of a queue before it starts, or takes it away: a record of its chains, say. */
  wrapQueue: ((index: number, queue: DeviceQueue) => DeviceQueue) | null = null;
  /** Another number after each change of the device's configuration, modulo 256 (2.5.1). */
  configGeneration = 0;
  /** What the driver read of it last. */
  #generationRead = 0;
  #status = 0;
  readonly #features: DriverFeatures;
  readonly #hooks: DeviceStateHooks;
  readonly #queues: DeviceQueues;
  /** Those of `#queues`. */
  readonly #list: DeviceQueue[];
  readonly #resetListeners: (() => void)[] = [];

  constructor(memory: GuestMemory, device: VirtioDevice, hooks: DeviceStateHooks) {
    this.device = device;
    this.#hooks = hooks;
    this.#features = new DriverFeatures(device);
    this.#queues = new DeviceQueues(memory, device.queueSizes, (index, error) => this.#queueStopped(index, error));
    this.#list = this.#queues.all;
    this.counters = this.#queues.counters;
  }

  /** The queues as they are now: another object once the driver chose another size or format. */
  get queues(): readonly DeviceQueue[] {
    return this.#list;
  }

  /** Device status: VIRTIO_CONFIG_S_*. */
  get status(): number {
    return this.#status;
  }

  /** Whether the driver is ready, and with it the device. */
  get running(): boolean {
    return (this.#status & spec.VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }

  /** Whether the features are settled: from FEATURES_OK on, or, with a legacy driver, DRIVER_OK. */
  get featuresSettled(): boolean {
    return (this.#status & (spec.VIRTIO_CONFIG_S_FEATURES_OK | spec.VIRTIO_CONFIG_S_DRIVER_OK)) !== 0;
  }

  /** Features that both sides have, bits 0 to 31. */
  get driverFeaturesLow(): number {
    return this.#features.low;
  }

  /** Features that both sides have, bits 32 to 63. */
  get driverFeaturesHigh(): number {
    return this.#features.high;
  }

  /** Whether both sides have feature `bit`. Through the legacy interface nobody has one beyond 31 (4.1.4.10). */
  hasFeature(bit: number): boolean {
    return this.#features.has(bit);
  }

  /** Features that both sides have: bits `32 * word` to `32 * word + 31`. */
  driverFeatures(word: number): number {
    return this.#features.word(word);
  }

  /** Features on offer: bits `32 * word` to `32 * word + 31`. What only the legacy interface has is offered there alone. */
  offered(word: number, by: VirtioInterface): number {
    return this.#features.offered(word, by);
  }

  /**
   * The driver chooses among the features on offer, bits `32 * word` to `32 * word + 31`. Too late once they are
   * settled. One that was not on offer is not taken, and a modern driver's FEATURES_OK is refused for it (2.2.2).
   */
  writeFeatures(word: number, value: number, by: VirtioInterface = "legacy"): void {
    if (!this.featuresSettled) this.#features.take(word, value, by);
  }

  /**
   * The guest writes the status. 0 resets. A status without DRIVER_OK does not stop a device that runs: only a reset
   * does (2.1.1). NEEDS_RESET is the device's own bit. Of a modern driver each bit is taken only behind the one that
   * has to come before, and FEATURES_OK only where the device can work with the features (2.1, 3.1.1).
   */
  writeStatus(value: number, by: VirtioInterface = "legacy"): void {
    if (value === 0) {
      this.reset();
      return;
    }
    const wasRunning = this.running;
    if (by === "legacy") this.#status |= value & ~spec.VIRTIO_CONFIG_S_NEEDS_RESET & 0xff;
    else this.#status = modernStatus(this.#status, value, () => this.#features.acceptable());
    if (!wasRunning && this.running) this.#start();
  }

  /** The guest puts a queue at a page (legacy interface, 4.1.4.10); page 0 takes the queue away. */
  writeQueuePage(index: number, page: number): void {
    const queue = this.#list[index];
    const size = this.device.queueSizes[index];
    if (queue === undefined || size === undefined) return;
    this.resetQueue(index);
    if (page === 0) return;
    const { descTable, availRing, usedRing } = legacyLayout(page * spec.VIRTIO_PCI_VRING_ALIGN, size);
    this.enableQueue(index, { size, descTable, driverArea: availRing, deviceArea: usedRing });
  }

  /** Whether a queue can have so many entries: no more than the device gives it; of a split one a power of two (2.7). */
  isQueueSize(index: number, size: number): boolean {
    const most = this.device.queueSizes[index] ?? 0;
    if (!Number.isInteger(size) || size < 1 || size > most) return false;
    return this.hasFeature(spec.VIRTIO_F_RING_PACKED) || (size & (size - 1)) === 0;
  }

  /**
   * Starts a queue. With a driver that is ready it works at once, otherwise from DRIVER_OK on. A place that cannot be
   * stops the queue, and the device needs a reset.
   * @param base where it goes on, for a driver that another device served before; see `DeviceQueue.base`
   * @returns false, and nothing done, where there is no such queue, it runs already, or it cannot have this size
   */
  enableQueue(index: number, place: QueuePlace, base?: number): boolean {
    if (this.#list[index]?.ready || !this.isQueueSize(index, place.size)) return false;
    const plain = this.#queues.fitting(index, place.size, this.hasFeature(spec.VIRTIO_F_RING_PACKED));
    const queue = this.wrapQueue?.(index, plain) ?? plain;
    this.#list[index] = queue;
    this.#applyFeatures(queue);
    queue.start({ descTable: place.descTable, availRing: place.driverArea, usedRing: place.deviceArea }, base);
    if (this.running) this.device.queueReady(index, queue);
    return true;
  }

  /** The driver takes a queue away (2.6.1): nothing of it is read or written any more. It can be started anew. */
  resetQueue(index: number): void {
    const queue = this.#list[index];
    if (queue === undefined || !queue.ready) return;
    queue.reset();
    this.device.queueReset?.(index);
  }

  /**
   * Stops a queue where another device is to go on with it: what this one has of it goes back to the driver unused,
   * and from now on nothing of it is read or written.
   * @returns the position that `enableQueue` goes on at; 0 for a queue that does not run
   */
  disableQueue(index: number): number {
    const queue = this.#list[index];
    if (queue === undefined || !queue.ready) return 0;
    if (this.running) this.device.queueStopping?.(index);
    const { base } = queue;
    this.resetQueue(index);
    return base;
  }

  /** The guest notifies a queue. Nothing happens for one that does not exist, or before the driver is ready. */
  notify(index: number): void {
    const counters = this.counters[index];
    if (counters === undefined) return;
    counters.notifications++;
    if (this.running && this.#list[index]?.ready) this.device.notify(index);
  }

  /** A queue's guest is to be told of used buffers. Nothing happens before the driver is ready (2.1.2). */
  interruptQueue(index: number): void {
    if (!this.running) return;
    const counters = this.counters[index];
    if (counters !== undefined) counters.interrupts++;
    this.isr |= spec.VIRTIO_PCI_ISR_QUEUE;
    this.#hooks.raiseIrq(index);
  }

  /** The device changed its configuration: whoever reads it piece by piece sees another generation (2.5.1). */
  noteConfigChange(): void {
    this.configGeneration = (this.configGeneration + 1) & 0xff;
    // However many changes there are between two looks of the driver, the second does not see the first one's number.
    if (this.configGeneration === this.#generationRead) this.configGeneration = (this.configGeneration + 1) & 0xff;
  }

  /** The driver reads the generation (4.1.4.3.1). */
  readConfigGeneration(): number {
    this.#generationRead = this.configGeneration;
    return this.configGeneration;
  }

  /** The guest is to be told that the configuration changed. It has to be running to be interested. */
  interruptConfig(): void {
    this.noteConfigChange();
    if (!this.running) return;
    this.isr |= spec.VIRTIO_PCI_ISR_CONFIG;
    this.#hooks.raiseIrq(-1);
  }

  /** The guest reads the interrupt status, which clears it and lowers the line (4.1.4.5). */
  readIsr(): number {
    const isr = this.isr;
    this.isr = 0;
    this.#hooks.lowerIrq();
    return isr;
  }

  /** The guest says what it has seen (4.2.2); once nothing is left the line goes down. */
  acknowledgeIsr(bits: number): void {
    this.isr &= ~bits;
    if (this.isr === 0) this.#hooks.lowerIrq();
  }

  /** The device cannot go on: DEVICE_NEEDS_RESET, and a driver that is ready is told (2.1.2). */
  needReset(line: string): void {
    // Said once until the guest resets, however many queues it breaks and places anew.
    if ((this.#status & spec.VIRTIO_CONFIG_S_NEEDS_RESET) === 0) this.#hooks.log(line);
    this.#status |= spec.VIRTIO_CONFIG_S_NEEDS_RESET;
    this.interruptConfig();
  }

  /** Calls `listener` at each reset: a transport's registers that belong to the driver go back too. */
  onReset(listener: () => void): void {
    this.#resetListeners.push(listener);
  }

  /** Everything back to where it was before a driver came. Counters stay. */
  reset(): void {
    for (const listener of this.#resetListeners) listener();
    this.#status = 0;
    this.#features.reset();
    this.isr = 0;
    for (const queue of this.#list) queue.reset();
    this.#hooks.lowerIrq();
    this.device.reset();
    this.noteConfigChange();
  }

  /**
   * The state, for another device over the same guest memory. The queues show what was given back; chains that the
   * device has are in it as taken. Nothing else comes of it: the device goes on.
   */
  save(): VirtioState {
    // A queue whose memory has gone stops now, and is saved as that.
    for (const queue of this.#list) queue.begin();
    return {
      status: this.#status,
      isr: this.isr,
      featuresLow: this.driverFeaturesLow,
      featuresHigh: this.driverFeaturesHigh,
      tookTooMuch: this.#features.tookTooMuch,
      configGeneration: this.configGeneration,
      queues: this.#list.map((queue) => (queue.ready ? queue.save() : null)),
    };
  }

  /**
   * See `Saveable.prepare`. The rings have to lie in guest memory, as it is now. Chains that the device had taken are
   * taken again by `pop`, before new ones. `apply` resets the device first; `resume` tells it of its queues and driver.
   * @throws TypeError, RangeError naming the field
   */
  prepare(state: unknown): Restoration {
    const saved = checkDeviceState(state, this.device);
    const features = queueFeatures(saved.featuresLow, saved.featuresHigh);
    const queues = saved.queues.map((queue, index) => this.#queues.prepare(index, queue, features));
    return {
      apply: () => {
        this.reset();
        this.#status = saved.status;
        this.isr = saved.isr;
        this.#features.low = saved.featuresLow;
        this.#features.high = saved.featuresHigh;
        this.#features.tookTooMuch = saved.tookTooMuch;
        this.configGeneration = saved.configGeneration;
        for (const [index, place] of queues.entries()) this.#list[index] = place();
      },
      resume: () => {
        if (this.running) this.#start();
      },
    };
  }

  #start(): void {
    // A driver may have placed its queues before it wrote its features.
    this.#list.forEach((queue, index) => {
      this.#applyFeatures(queue);
      if (queue.ready) this.device.queueReady(index, queue);
    });
    this.device.driverOk();
  }

  #applyFeatures(queue: DeviceQueue): void {
    queue.features = queueFeatures(this.driverFeaturesLow, this.driverFeaturesHigh);
  }

  #queueStopped(index: number, error: QueueError): void {
    this.needReset(`queue ${index} stopped: ${error}; the guest has to reset the device`);
  }
}
