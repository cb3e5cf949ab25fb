import type { DeviceState } from "./device-state.ts";
import type { QueueCounters } from "./queue/queue-counters.ts";
import type { Virtqueue } from "./queue/virtqueue.ts";
import { LegacyPciTransport } from "./transport/pci-legacy.ts";
import type { PciVectors } from "./transport/pci-vectors.ts";

/**
 * A virtio device behind the legacy PCI interface: registers, status, features, queues and interrupt status
 * (C original: `virtio_emul_t`, made by `virtio_emul_init`). What the device is for comes with `VirtioDevice`.
 */
export class VirtioEmul {
  /** The state behind the registers. */
  readonly state: DeviceState;
  readonly #transport: LegacyPciTransport;

  /**
   * @param state of the device that the registers are to show
   * @param vectors of the MSI-X interrupts of its PCI function; null where there are none
   */
  constructor(state: DeviceState, vectors: PciVectors | null = null) {
    this.state = state;
    this.#transport = new LegacyPciTransport(state, vectors);
  }

  /** The register `queue_select`. */
  get queueSelect(): number {
    return this.#transport.queueSelect;
  }

  set queueSelect(queue: number) {
    this.#transport.queueSelect = queue & 0xffff;
  }

  /** The device's queues (C original: `virtq`). */
  get virtq(): readonly Virtqueue[] {
    return this.state.queues;
  }

  /** Per queue: what happened on it. */
  get queueCounters(): readonly QueueCounters[] {
    return this.state.counters;
  }

  /** Bytes of the register window that mean something. */
  get windowBytes(): number {
    return this.#transport.length;
  }

  /**
   * The guest reads a register (C original: `io_in`).
   * @param offset from the start of the window
   * @param size 1, 2 or 4 bytes
   */
  ioIn(offset: number, size: number): number {
    return this.#transport.read(offset, size);
  }

  /** The guest writes a register (C original: `io_out`). */
  ioOut(offset: number, size: number, value: number): void {
    this.#transport.write(offset, size, value);
  }

  /** Notifies a queue, as the guest does through its register (C original: `notify`). */
  notify(queue: number): void {
    this.state.notify(queue);
  }

  /** The guest reads the device's own configuration (C original: `device_io_in`). */
  deviceIoIn(offset: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) {
      value = (value | ((this.state.device.config[offset + i] ?? 0xff) << (8 * i))) >>> 0;
    }
    return value;
  }

  /** The guest writes the device's own configuration (C original: `device_io_out`). */
  deviceIoOut(offset: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) {
      if (offset + i < this.state.device.config.length) {
        this.state.device.configWrite(offset + i, (value >>> (8 * i)) & 0xff, true);
      }
    }
  }

  /** Resets device and registers, as power-on does. */
  reset(): void {
    this.state.reset();
  }
}
