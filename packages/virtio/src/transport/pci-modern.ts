import type { DeviceState } from "../device-state.ts";
import * as spec from "../spec.ts";
import { readConfig, writeConfig } from "./config-access.ts";
import { ModernRegisters, type ModernRegistersState, type QueuePart } from "./modern-registers.ts";
import type { PciVectors } from "./pci-vectors.ts";
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
  readonly #shared: ModernRegisters;
  readonly #common: RegisterTable;

  /** @throws RangeError for a device with more queues than notification addresses */
  constructor(state: DeviceState, vectors: PciVectors) {
    const { queueSizes } = state.device;
    if (queueSizes.length > MOST_QUEUES) {
      throw new RangeError(`"device.queueSizes" expected at most ${MOST_QUEUES} queues, got ${queueSizes.length}`);
    }
    this.#state = state;
    this.#vectors = vectors;
    this.#shared = new ModernRegisters(state);
    this.#common = new RegisterTable([...this.#describeDevice(), ...this.#describeQueue()]);
  }

  /** The guest reads `size` (1, 2 or 4) bytes at `offset` of the BAR. */
  read(offset: number, size: number): number {
    const { common, isr, device } = MODERN_LAYOUT;
    const page = offset & ~0xfff;
    if (page === common.offset) return this.#common.read(offset, size);
    if (page === device.offset) return readConfig(this.#state.device, offset - device.offset, size);
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
    else if (offset >= device.offset) writeConfig(this.#state.device, offset - device.offset, size, value);
  }

  /** See `ModernRegisters.save`. */
  save(): ModernRegistersState {
    return this.#shared.save();
  }

  /** See `ModernRegisters.prepare`. */
  prepare(name: string, state: unknown): () => void {
    return this.#shared.prepare(name, state);
  }

  #describeDevice(): Register[] {
    const state = this.#state;
    const shared = this.#shared;
    const vectors = this.#vectors;
    return [
      {
        name: "device_feature_select",
        offset: spec.VIRTIO_PCI_COMMON_DFSELECT,
        bytes: 4,
        read: () => shared.deviceFeatureSelect,
        write: (value) => {
          shared.deviceFeatureSelect = value;
        },
      },
      {
        name: "device_feature",
        offset: spec.VIRTIO_PCI_COMMON_DF,
        bytes: 4,
        read: () => shared.deviceFeatures,
      },
      {
        name: "driver_feature_select",
        offset: spec.VIRTIO_PCI_COMMON_GFSELECT,
        bytes: 4,
        read: () => shared.driverFeatureSelect,
        write: (value) => {
          shared.driverFeatureSelect = value;
        },
      },
      {
        name: "driver_feature",
        offset: spec.VIRTIO_PCI_COMMON_GF,
        bytes: 4,
        read: () => shared.driverFeatures,
        write: (value) => {
          shared.driverFeatures = value;
        },
      },
      {
        name: "config_msix_vector",
        offset: spec.VIRTIO_PCI_COMMON_MSIX,
        bytes: 2,
        read: () => vectors.config,
        write: (value) => vectors.setConfig(value),
      },
      { name: "num_queues", offset: spec.VIRTIO_PCI_COMMON_NUMQ, bytes: 2, read: () => shared.queueCount },
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
        read: () => state.readConfigGeneration(),
      },
      {
        name: "queue_select",
        offset: spec.VIRTIO_PCI_COMMON_Q_SELECT,
        bytes: 2,
        read: () => shared.queueSelect,
        write: (value) => {
          shared.queueSelect = value;
        },
      },
    ];
  }

  /** What is about the selected queue. Where there is no such queue, all reads 0 and nothing is written (4.1.4.3.1). */
  #describeQueue(): Register[] {
    const shared = this.#shared;
    const vectors = this.#vectors;
    return [
      {
        name: "queue_size",
        offset: spec.VIRTIO_PCI_COMMON_Q_SIZE,
        bytes: 2,
        read: () => shared.queueSize,
        write: (value) => {
          shared.queueSize = value;
        },
      },
      {
        name: "queue_msix_vector",
        offset: spec.VIRTIO_PCI_COMMON_Q_MSIX,
        bytes: 2,
        read: () => vectors.ofQueue(shared.queueSelect),
        write: (value) => vectors.setQueue(shared.queueSelect, value),
      },
      {
        name: "queue_enable",
        offset: spec.VIRTIO_PCI_COMMON_Q_ENABLE,
        bytes: 2,
        read: () => (shared.queueReady ? 1 : 0),
        write: (value) => {
          if (value === 1) shared.startQueue();
        },
      },
      {
        name: "queue_notify_off",
        offset: spec.VIRTIO_PCI_COMMON_Q_NOFF,
        bytes: 2,
        read: () => (shared.queueExists ? shared.queueSelect : 0),
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
          if (value === 1 && shared.resetQueue()) vectors.clearQueue(shared.queueSelect);
        },
      },
    ];
  }

  /** The two halves of an address. */
  #describeAddress(name: string, offset: number, part: QueuePart): Register[] {
    return (["low", "high"] as const).map((half, index) => ({
      name: `${name}_${half}`,
      offset: offset + 4 * index,
      bytes: 4,
      read: () => this.#shared.readAddress(part, half),
      write: (value) => this.#shared.writeAddress(part, half, value),
    }));
  }
}
