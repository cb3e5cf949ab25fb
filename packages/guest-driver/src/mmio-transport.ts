import * as spec from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import type { GuestBus } from "./guest-ports.ts";
import type { GuestTransport } from "./transport.ts";

/** Virtio over MMIO, version 2 (VIRTIO 1.2, 4.2.2): registers of 32 bits at an address that the driver is told. */
export class MmioTransport implements GuestTransport {
  readonly legacyLayout: boolean = false;
  /** Guest physical address of the registers. */
  readonly base: number;
  readonly #bus: GuestBus;

  /** @throws DriverError where no such device is there */
  constructor(bus: GuestBus, base: number) {
    this.#bus = bus;
    this.base = base;
    const magic = this.load(spec.VIRTIO_MMIO_MAGIC_VALUE);
    const version = this.load(spec.VIRTIO_MMIO_VERSION);
    if (magic !== spec.VIRTIO_MMIO_MAGIC || version !== 2) {
      throw new DriverError(`at 0x${base.toString(16)} is no virtio device: 0x${magic.toString(16)}, ${version}`);
    }
  }

  /** Reads a register. */
  load(register: number): number {
    return this.#bus.load(this.base + register, 4);
  }

  /** Writes a register. */
  store(register: number, value: number): void {
    this.#bus.store(this.base + register, 4, value);
  }

  readDeviceFeatures(word: number): number {
    this.store(spec.VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
    return this.load(spec.VIRTIO_MMIO_DEVICE_FEATURES);
  }

  writeDriverFeatures(word: number, bits: number): void {
    this.store(spec.VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
    this.store(spec.VIRTIO_MMIO_DRIVER_FEATURES, bits);
  }

  readStatus(): number {
    return this.load(spec.VIRTIO_MMIO_STATUS);
  }

  writeStatus(status: number): void {
    this.store(spec.VIRTIO_MMIO_STATUS, status);
  }

  /** Reads the interrupt status and acknowledges what it says. */
  readIsr(): number {
    const isr = this.load(spec.VIRTIO_MMIO_INTERRUPT_STATUS);
    if (isr !== 0) this.store(spec.VIRTIO_MMIO_INTERRUPT_ACK, isr);
    return isr;
  }

  readQueueSize(queue: number): number {
    this.store(spec.VIRTIO_MMIO_QUEUE_SEL, queue);
    return this.load(spec.VIRTIO_MMIO_QUEUE_NUM_MAX);
  }

  writeQueue(queue: number, descTable: number, availRing: number, usedRing: number, size?: number): void {
    const entries = size ?? this.readQueueSize(queue);
    this.store(spec.VIRTIO_MMIO_QUEUE_SEL, queue);
    if (descTable === 0) {
      this.store(spec.VIRTIO_MMIO_QUEUE_READY, 0);
      return;
    }
    this.store(spec.VIRTIO_MMIO_QUEUE_NUM, entries);
    this.#storeAddress(spec.VIRTIO_MMIO_QUEUE_DESC_LOW, descTable);
    this.#storeAddress(spec.VIRTIO_MMIO_QUEUE_AVAIL_LOW, availRing);
    this.#storeAddress(spec.VIRTIO_MMIO_QUEUE_USED_LOW, usedRing);
    this.store(spec.VIRTIO_MMIO_QUEUE_READY, 1);
  }

  notify(queue: number): void {
    this.store(spec.VIRTIO_MMIO_QUEUE_NOTIFY, queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#bus.load(this.base + spec.VIRTIO_MMIO_CONFIG + offset, size);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#bus.store(this.base + spec.VIRTIO_MMIO_CONFIG + offset, size, value);
  }

  #storeAddress(register: number, address: number): void {
    this.store(register, address % 2 ** 32);
    this.store(register + 4, Math.floor(address / 2 ** 32));
  }
}
