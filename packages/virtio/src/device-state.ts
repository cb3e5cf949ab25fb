import type { GuestMemory } from "@vmmkit/vm";
import type { VirtioDevice } from "./device.ts";
import type { QueueError } from "./queue/errors.ts";
import { legacyLayout } from "./queue/layout.ts";
import { QueueCounters } from "./queue/queue-counters.ts";
import { SplitQueue } from "./queue/split-queue.ts";
import {
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
  VIRTIO_PCI_VRING_ALIGN,
} from "./spec.ts";

/** How a device's state reaches the world outside it. */
export interface DeviceStateHooks {
  /** The interrupt status became zero: the line goes down. */
  lowerIrq(): void;
  /** The guest is to be interrupted; `irq` is the queue, or -1 for a change of configuration. */
  raiseIrq(irq: number): void;
  /** One line for people: a queue stopped. At most one between two resets. */
  log(line: string): void;
}

/**
 * The state of a virtio device that does not depend on its transport: status, features, queues and interrupt
 * status (VIRTIO 1.2, 2.1 to 2.6). A transport reads and writes it for the guest.
 */
export class DeviceState {
  /** What the device offers. */
  readonly device: VirtioDevice;
  readonly queues: readonly SplitQueue[];
  readonly counters: readonly QueueCounters[];
  /** Interrupt status: VIRTIO_PCI_ISR_*. */
  isr = 0;
  /** Features that both sides have, bits 0 to 31. */
  driverFeaturesLow = 0;
  #status = 0;
  readonly #hooks: DeviceStateHooks;

  constructor(memory: GuestMemory, device: VirtioDevice, hooks: DeviceStateHooks) {
    this.device = device;
    this.#hooks = hooks;
    this.counters = device.queueSizes.map(() => new QueueCounters());
    this.queues = device.queueSizes.map((size, index) => {
      const queue = new SplitQueue(memory, size, this.counters[index] ?? new QueueCounters());
      queue.onStop = (error) => this.#queueStopped(index, error);
      return queue;
    });
  }

  /** Device status: VIRTIO_CONFIG_S_*. */
  get status(): number {
    return this.#status;
  }

  /** Whether the driver is ready, and with it the device. */
  get running(): boolean {
    return (this.#status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0;
  }

  /** Whether both sides have feature `bit`. Through the legacy interface nobody has one beyond 31 (4.1.4.10). */
  hasFeature(bit: number): boolean {
    return bit < 32 && ((this.driverFeaturesLow >>> bit) & 1) !== 0;
  }

  /**
   * The guest writes the status. 0 resets. A status without DRIVER_OK does not stop a device that runs: only a reset
   * does (2.1.1). NEEDS_RESET is the device's own bit.
   */
  writeStatus(value: number): void {
    if (value === 0) {
      this.reset();
      return;
    }
    const wasRunning = this.running;
    this.#status |= value & ~VIRTIO_CONFIG_S_NEEDS_RESET & 0xff;
    if (!wasRunning && this.running) this.#start();
  }

  /** The guest chooses among the features on offer, bits 0 to 31. Too late once it is running. */
  writeFeatures(value: number): void {
    if (!this.running) this.driverFeaturesLow = (value & this.device.featuresLow) >>> 0;
  }

  /** The guest puts a queue at a page (legacy interface, 4.1.4.10); page 0 takes the queue away. */
  writeQueuePage(index: number, page: number): void {
    const queue = this.queues[index];
    if (queue === undefined) return;
    if (queue.ready) {
      queue.reset();
      this.device.queueReset?.(index);
    }
    if (page === 0) return;
    this.#applyFeatures(queue);
    queue.start(legacyLayout(page * VIRTIO_PCI_VRING_ALIGN, queue.size));
    if (this.running) this.device.queueReady(index, queue);
  }

  /** The guest notifies a queue. Nothing happens for one that does not exist, or before the driver is ready. */
  notify(index: number): void {
    const counters = this.counters[index];
    if (counters === undefined) return;
    counters.notifications++;
    if (this.running && this.queues[index]?.ready) this.device.notify(index);
  }

  /** A queue's guest is to be told of used buffers. Nothing happens before the driver is ready (2.1.2). */
  interruptQueue(index: number): void {
    if (!this.running) return;
    const counters = this.counters[index];
    if (counters !== undefined) counters.interrupts++;
    this.isr |= VIRTIO_PCI_ISR_QUEUE;
    this.#hooks.raiseIrq(index);
  }

  /** The guest is to be told that the configuration changed. It has to be running to be interested. */
  interruptConfig(): void {
    if (!this.running) return;
    this.isr |= VIRTIO_PCI_ISR_CONFIG;
    this.#hooks.raiseIrq(-1);
  }

  /** The guest reads the interrupt status, which clears it and lowers the line (4.1.4.5). */
  readIsr(): number {
    const isr = this.isr;
    this.isr = 0;
    this.#hooks.lowerIrq();
    return isr;
  }

  /** Everything back to where it was before a driver came. Counters stay. */
  reset(): void {
    this.#status = 0;
    this.driverFeaturesLow = 0;
    this.isr = 0;
    for (const queue of this.queues) queue.reset();
    this.#hooks.lowerIrq();
    this.device.reset();
  }

  #start(): void {
    // A driver may have placed its queues before it wrote its features.
    this.queues.forEach((queue, index) => {
      this.#applyFeatures(queue);
      if (queue.ready) this.device.queueReady(index, queue);
    });
    this.device.driverOk();
  }

  #applyFeatures(queue: SplitQueue): void {
    queue.features = {
      indirect: this.hasFeature(VIRTIO_F_INDIRECT_DESC),
      eventIdx: this.hasFeature(VIRTIO_F_EVENT_IDX),
    };
  }

  #queueStopped(index: number, error: QueueError): void {
    // Said once until the guest resets, however many queues it breaks and places anew.
    if ((this.#status & VIRTIO_CONFIG_S_NEEDS_RESET) === 0) {
      this.#hooks.log(`queue ${index} stopped: ${error}; the guest has to reset the device`);
    }
    this.#status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    this.interruptConfig();
  }
}
