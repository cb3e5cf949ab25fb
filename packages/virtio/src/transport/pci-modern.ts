import type { DeviceState } from "../device-state.ts";
import * as spec from "../spec.ts";
import type { PciVectors } from "./pci-vectors.ts";
import { QueueRegisters } from "./queue-registers.ts";
import { type Register, RegisterTable } from "./register-table.ts";

/** A part of what is behind a BAR, in bytes. */
export interface BarPart {
  readonly offset: number;
  readonly bytes: number;
}

/** Where the structures are behind the memory BAR: a page each, as a guest may map them apart. */
export const MODERN_LAYOUT: Record<"common" | "isr" | "device" | "notify", BarPart> = {
  common: { offset: 0x0000, bytes: spec.VIRTIO_PCI_COMMON_CFG_BYTES },
  isr: { offset: 0x1000, bytes: 1 },
  device: { offset: 0x2000, bytes: 0x1000 },
  notify: { offset: 0x3000, bytes: 0x1000 },
};

/** Bytes of the memory BAR, as a power of two. */
export const MODERN_BAR_BITS = 14;

/** Bytes from a queue's notification address to the next one's (4.1.4.4). */
export const NOTIFY_OFF_MULTIPLIER = 4;

/** The most queues that have a notification address of their own. */
const MOST_QUEUES = MODERN_LAYOUT.notify.bytes / NOTIFY_OFF_MULTIPLIER;

/**
 * The modern interface of a virtio PCI device: common configuration, notifications, ISR status and the device's own
 * configuration behind one memory BAR (VIRTIO 1.2, 4.1.4).
 */
export class ModernPciTransport {
  readonly #state: DeviceState;
  readonly #vectors: PciVectors;
  readonly #common: RegisterTable;
  readonly #queues: readonly QueueRegisters[];
  #deviceFeatureSelect = 0;
  #driverFeatureSelect = 0;
  #queueSelect = 0;

  /** @throws RangeError for a device with more queues than notification addresses */
  constructor(state: DeviceState, vectors: PciVectors) {
    const { queueSizes } = state.device;
    if (queueSizes.length > MOST_QUEUES) {
      throw new RangeError(`"device.queueSizes" expected at most ${MOST_QUEUES} queues, got ${queueSizes.length}`);
    }
    this.#state = state;
    this.#vectors = vectors;
    this.#queues = queueSizes.map((size) => new QueueRegisters(size));
    this.#common = new RegisterTable([...this.#describeDevice(), ...this.#describeQueue()]);
    state.onReset(() => this.#reset());
  }

  /** The guest reads `size` (1, 2 or 4) bytes at `offset` of the BAR. */
  read(offset: number, size: number): number {
    const { common, isr, device } = MODERN_LAYOUT;
    const page = offset & ~0xfff;
    if (page === common.offset) return this.#common.read(offset, size);
    if (page === device.offset) return this.#readConfig(offset - device.offset, size);
    // Reading clears it, but not in passing: only where the byte itself is read (4.1.4.5).
    if (offset === isr.offset) return this.#state.readIsr();
    return 0;
  }

  /** The guest writes `size` (1, 2 or 4) bytes at `offset` of the BAR. */
  write(offset: number, size: number, value: number): void {
    const { common, device, notify } = MODERN_LAYOUT;
    // The address says which queue it is, and `value` says so too; further data are for devices that poll (4.1.5.2).
    if (offset >= notify.offset) this.#state.notify(((offset - notify.offset) / NOTIFY_OFF_MULTIPLIER) | 0);
    else if (offset < spec.VIRTIO_PCI_COMMON_CFG_BYTES) this.#common.write(offset - common.offset, size, value);
    else if (offset >= device.offset) this.#writeConfig(offset - device.offset, size, value);
  }

  #readConfig(offset: number, size: number): number {
    const { config } = this.#state.device;
    let value = 0;
    for (let i = 0; i < size; i++) value = (value | ((config[offset + i] ?? 0) << (8 * i))) >>> 0;
    return value;
  }

  #writeConfig(offset: number, size: number, value: number): void {
    const { device } = this.#state;
    for (let i = 0; i < size; i++) {
      if (offset + i < device.config.length) device.configWrite(offset + i, (value >>> (8 * i)) & 0xff, false);
    }
  }

  #reset(): void {
    this.#deviceFeatureSelect = 0;
    this.#driverFeatureSelect = 0;
    this.#queueSelect = 0;
    for (const queue of this.#queues) queue.reset();
  }

  #describeDevice(): Register[] {
    const state = this.#state;
    const vectors = this.#vectors;
    return [
      {
        name: "device_feature_select",
        offset: spec.VIRTIO_PCI_COMMON_DFSELECT,
        bytes: 4,
        read: () => this.#deviceFeatureSelect,
        write: (value) => {
          this.#deviceFeatureSelect = value;
        },
      },
      {
        name: "device_feature",
        offset: spec.VIRTIO_PCI_COMMON_DF,
        bytes: 4,
        read: () => state.offered(this.#deviceFeatureSelect, "modern"),
      },
      {
        name: "driver_feature_select",
        offset: spec.VIRTIO_PCI_COMMON_GFSELECT,
        bytes: 4,
        read: () => this.#driverFeatureSelect,
        write: (value) => {
          this.#driverFeatureSelect = value;
        },
      },
      {
        name: "driver_feature",
        offset: spec.VIRTIO_PCI_COMMON_GF,
        bytes: 4,
        read: () => state.driverFeatures(this.#driverFeatureSelect),
        write: (value) => state.writeFeatures(this.#driverFeatureSelect, value, "modern"),
      },
      {
        name: "config_msix_vector",
        offset: spec.VIRTIO_PCI_COMMON_MSIX,
        bytes: 2,
        read: () => vectors.config,
        write: (value) => vectors.setConfig(value),
      },
      { name: "num_queues", offset: spec.VIRTIO_PCI_COMMON_NUMQ, bytes: 2, read: () => this.#queues.length },
      {
        name: "device_status",
        offset: spec.VIRTIO_PCI_COMMON_STATUS,
        bytes: 1,
        read: () => state.status,
        write: (value) => state.writeStatus(value, "modern"),
      },
      {
        name: "config_generation",
        offset: spec.VIRTIO_PCI_COMMON_CFGGENERATION,
        bytes: 1,
        read: () => state.configGeneration,
      },
      {
        name: "queue_select",
        offset: spec.VIRTIO_PCI_COMMON_Q_SELECT,
        bytes: 2,
        read: () => this.#queueSelect,
        write: (value) => {
          this.#queueSelect = value;
        },
      },
    ];
  }

  /** What is about the selected queue. Where there is no such queue, all reads 0 and nothing is written (4.1.4.3.1). */
  #describeQueue(): Register[] {
    const state = this.#state;
    const vectors = this.#vectors;
    return [
      {
        name: "queue_size",
        offset: spec.VIRTIO_PCI_COMMON_Q_SIZE,
        bytes: 2,
        read: () => this.#selected()?.size ?? 0,
        write: (value) => {
          const queue = this.#changeable();
          if (queue !== undefined && state.isQueueSize(this.#queueSelect, value)) queue.size = value;
        },
      },
      {
        name: "queue_msix_vector",
        offset: spec.VIRTIO_PCI_COMMON_Q_MSIX,
        bytes: 2,
        read: () => vectors.ofQueue(this.#queueSelect),
        write: (value) => vectors.setQueue(this.#queueSelect, value),
      },
      {
        name: "queue_enable",
        offset: spec.VIRTIO_PCI_COMMON_Q_ENABLE,
        bytes: 2,
        read: () => (state.queues[this.#queueSelect]?.ready ? 1 : 0),
        write: (value) => {
          if (value === 1) this.#enable();
        },
      },
      {
        name: "queue_notify_off",
        offset: spec.VIRTIO_PCI_COMMON_Q_NOFF,
        bytes: 2,
        read: () => (this.#selected() === undefined ? 0 : this.#queueSelect),
      },
      ...this.#describeAddress("queue_desc", spec.VIRTIO_PCI_COMMON_Q_DESCLO, "descTable"),
      ...this.#describeAddress("queue_driver", spec.VIRTIO_PCI_COMMON_Q_AVAILLO, "driverArea"),
      ...this.#describeAddress("queue_device", spec.VIRTIO_PCI_COMMON_Q_USEDLO, "deviceArea"),
      { name: "queue_notify_data", offset: spec.VIRTIO_PCI_COMMON_Q_NDATA, bytes: 2, read: () => 0 },
      {
        name: "queue_reset",
        offset: spec.VIRTIO_PCI_COMMON_Q_RESET,
        bytes: 2,
        // A reset is over when the write is.
        read: () => 0,
        write: (value) => {
          if (value === 1) this.#resetQueue();
        },
      },
    ];
  }

  /** The two halves of an address. */
  #describeAddress(name: string, offset: number, part: "descTable" | "driverArea" | "deviceArea"): Register[] {
    return (["low", "high"] as const).map((half, index) => ({
      name: `${name}_${half}`,
      offset: offset + 4 * index,
      bytes: 4,
      read: () => this.#selected()?.[part][half] ?? 0,
      write: (value) => {
        const queue = this.#changeable();
        if (queue !== undefined) queue[part][half] = value;
      },
    }));
  }

  #selected(): QueueRegisters | undefined {
    return this.#queues[this.#queueSelect];
  }

  /** The selected queue, if the driver may still say how it is to be. */
  #changeable(): QueueRegisters | undefined {
    return this.#state.queues[this.#queueSelect]?.ready ? undefined : this.#selected();
  }

  /** Not before the features are settled, on which the format of the rings depends (3.1.1). */
  #enable(): void {
    const queue = this.#selected();
    if (queue !== undefined && this.#state.featuresSettled) this.#state.enableQueue(this.#queueSelect, queue.place());
  }

  #resetQueue(): void {
    const queue = this.#selected();
    if (queue === undefined || !this.#state.hasFeature(spec.VIRTIO_F_RING_RESET)) return;
    this.#state.resetQueue(this.#queueSelect);
    this.#vectors.clearQueue(this.#queueSelect);
    queue.reset();
  }
}
