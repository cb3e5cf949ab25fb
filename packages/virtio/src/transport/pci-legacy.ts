import type { DeviceState } from "../device-state.ts";
import {
  VIRTIO_PCI_CONFIG_OFF,
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
import { type Register, RegisterTable } from "./register-table.ts";

/**
 * The legacy interface of a virtio PCI device: a window of registers in I/O space, the device's own configuration
 * behind them (VIRTIO 1.2, 4.1.4.10).
 */
export class LegacyPciTransport {
  readonly #state: DeviceState;
  readonly #registers: RegisterTable;
  #queueSelect = 0;

  constructor(state: DeviceState) {
    this.#state = state;
    this.#registers = new RegisterTable(this.#describe());
  }

  /** Bytes of the window: registers and configuration. */
  get length(): number {
    return VIRTIO_PCI_CONFIG_OFF + this.#state.device.config.length;
  }

  /** The guest reads `size` (1, 2 or 4) bytes at `offset` of the window. */
  read(offset: number, size: number): number {
    if (offset + size <= VIRTIO_PCI_CONFIG_OFF) return this.#registers.read(offset, size);
    let value = 0;
    for (let i = 0; i < size; i++) value = (value | (this.#readByte(offset + i) << (8 * i))) >>> 0;
    return value;
  }

  /** The guest writes `size` (1, 2 or 4) bytes at `offset` of the window. */
  write(offset: number, size: number, value: number): void {
    if (offset + size <= VIRTIO_PCI_CONFIG_OFF) {
      this.#registers.write(offset, size, value);
      return;
    }
    for (let i = 0; i < size; i++) {
      const at = offset + i - VIRTIO_PCI_CONFIG_OFF;
      const byte = (value >>> (8 * i)) & 0xff;
      if (at < 0) this.#registers.write(offset + i, 1, byte);
      else if (at < this.#state.device.config.length) this.#state.device.configWrite(at, byte, true);
    }
  }

  /** Part of a reset. */
  reset(): void {
    this.#queueSelect = 0;
  }

  #readByte(offset: number): number {
    if (offset < VIRTIO_PCI_CONFIG_OFF) return this.#registers.read(offset, 1);
    return this.#state.device.config[offset - VIRTIO_PCI_CONFIG_OFF] ?? 0xff;
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
        read: () => (state.queues[this.#queueSelect]?.layout?.descTable ?? 0) / VIRTIO_PCI_VRING_ALIGN,
        write: (value) => state.writeQueuePage(this.#queueSelect, value),
      },
      {
        name: "queue_size",
        offset: VIRTIO_PCI_QUEUE_NUM,
        bytes: 2,
        read: () => state.device.queueSizes[this.#queueSelect] ?? 0,
      },
      {
        name: "queue_select",
        offset: VIRTIO_PCI_QUEUE_SEL,
        bytes: 2,
        read: () => this.#queueSelect,
        write: (value) => {
          this.#queueSelect = value;
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
        write: (value) => {
          if (value === 0) this.reset();
          state.writeStatus(value);
        },
      },
      { name: "isr_status", offset: VIRTIO_PCI_ISR, bytes: 1, read: () => state.readIsr() },
    ];
  }
}
