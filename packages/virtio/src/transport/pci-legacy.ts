import type { DeviceState } from "../device-state.ts";
import {
  VIRTIO_MSI_CONFIG_VECTOR,
  VIRTIO_MSI_QUEUE_VECTOR,
  VIRTIO_PCI_CONFIG_OFF,
  VIRTIO_PCI_CONFIG_OFF_MSIX,
  VIRTIO_PCI_GUEST_FEATURES,
  VIRTIO_PCI_HOST_FEATURES,
  VIRTIO_PCI_ISR,
  VIRTIO_PCI_QUEUE_NOTIFY,
  VIRTIO_PCI_QUEUE_NUM,
  VIRTIO_PCI_QUEUE_PFN,
  VIRTIO_PCI_QUEUE_SEL,
  VIRTIO_PCI_STATUS,
  VIRTIO_PCI_VRING_ALIGN,
} from "../spec.ts";
import type { PciVectors } from "./pci-vectors.ts";
import { type Register, RegisterTable } from "./register-table.ts";

/**
 * The legacy interface of a virtio PCI device: a window of registers in I/O space, the device's own configuration
 * behind them (VIRTIO 1.2, 4.1.4.10). While MSI-X is on, two registers for vectors come between the two.
 */
export class LegacyPciTransport {
  readonly #state: DeviceState;
  readonly #registers: RegisterTable;
  readonly #vectors: PciVectors | null;
  /** The register `queue_select`. */
  queueSelect = 0;

  /** @param vectors of the MSI-X interrupts; null where there are none */
  constructor(state: DeviceState, vectors: PciVectors | null = null) {
    this.#state = state;
    this.#vectors = vectors;
    this.#registers = new RegisterTable([
      ...this.#describe(),
      ...(vectors === null ? [] : this.#describeVectors(vectors)),
    ]);
    state.onReset(() => {
      this.queueSelect = 0;
    });
  }

  /** Bytes of the window: registers and configuration. */
  get length(): number {
    return this.#configAt() + this.#state.device.config.length;
  }

  /** The guest reads `size` (1, 2 or 4) bytes at `offset` of the window. */
  read(offset: number, size: number): number {
    if (offset + size <= this.#configAt()) return this.#registers.read(offset, size);
    let value = 0;
    for (let i = 0; i < size; i++) value = (value | (this.#readByte(offset + i) << (8 * i))) >>> 0;
    return value;
  }

  /** The guest writes `size` (1, 2 or 4) bytes at `offset` of the window. */
  write(offset: number, size: number, value: number): void {
    if (offset + size <= this.#configAt()) {
      this.#registers.write(offset, size, value);
      return;
    }
    for (let i = 0; i < size; i++) {
      const at = offset + i - this.#configAt();
      const byte = (value >>> (8 * i)) & 0xff;
      if (at < 0) this.#registers.write(offset + i, 1, byte);
      else if (at < this.#state.device.config.length) this.#state.device.configWrite(at, byte, true);
    }
  }

  /** Where the device's own configuration starts now. */
  #configAt(): number {
    return this.#vectors?.enabled ? VIRTIO_PCI_CONFIG_OFF_MSIX : VIRTIO_PCI_CONFIG_OFF;
  }

  #readByte(offset: number): number {
    if (offset < this.#configAt()) return this.#registers.read(offset, 1);
    return this.#state.device.config[offset - this.#configAt()] ?? 0xff;
  }

  #describeVectors(vectors: PciVectors): readonly Register[] {
    return [
      {
        name: "config_msix_vector",
        offset: VIRTIO_MSI_CONFIG_VECTOR,
        bytes: 2,
        read: () => vectors.config,
        write: (value) => vectors.setConfig(value),
      },
      {
        name: "queue_msix_vector",
        offset: VIRTIO_MSI_QUEUE_VECTOR,
        bytes: 2,
        read: () => vectors.ofQueue(this.queueSelect),
        write: (value) => vectors.setQueue(this.queueSelect, value),
      },
    ];
  }

  #describe(): readonly Register[] {
    const state = this.#state;
    return [
      {
        name: "device_features",
        offset: VIRTIO_PCI_HOST_FEATURES,
        bytes: 4,
        read: () => state.offered(0, "legacy"),
      },
      {
        name: "driver_features",
        offset: VIRTIO_PCI_GUEST_FEATURES,
        bytes: 4,
        read: () => state.driverFeaturesLow,
        write: (value) => state.writeFeatures(0, value),
      },
      {
        name: "queue_address",
        offset: VIRTIO_PCI_QUEUE_PFN,
        bytes: 4,
        read: () => (state.queues[this.queueSelect]?.layout?.descTable ?? 0) / VIRTIO_PCI_VRING_ALIGN,
        write: (value) => state.writeQueuePage(this.queueSelect, value),
      },
      {
        name: "queue_size",
        offset: VIRTIO_PCI_QUEUE_NUM,
        bytes: 2,
        read: () => state.device.queueSizes[this.queueSelect] ?? 0,
      },
      {
        name: "queue_select",
        offset: VIRTIO_PCI_QUEUE_SEL,
        bytes: 2,
        read: () => this.queueSelect,
        write: (value) => {
          this.queueSelect = value;
        },
      },
      {
        name: "queue_notify",
        offset: VIRTIO_PCI_QUEUE_NOTIFY,
        bytes: 2,
        read: () => 0,
        write: (value) => state.notify(value),
      },
      {
        name: "device_status",
        offset: VIRTIO_PCI_STATUS,
        bytes: 1,
        read: () => state.status,
        write: (value) => state.writeStatus(value),
      },
      { name: "isr_status", offset: VIRTIO_PCI_ISR, bytes: 1, read: () => state.readIsr() },
    ];
  }
}
