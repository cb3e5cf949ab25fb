import {
  VIRTIO_PCI_CONFIG_OFF,
  VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET,
  VIRTIO_PCI_GUEST_FEATURES,
  VIRTIO_PCI_HOST_FEATURES,
  VIRTIO_PCI_ISR,
  VIRTIO_PCI_QUEUE_NOTIFY,
  VIRTIO_PCI_QUEUE_NUM,
  VIRTIO_PCI_QUEUE_PFN,
  VIRTIO_PCI_QUEUE_SEL,
  VIRTIO_PCI_STATUS,
  VIRTIO_PCI_VENDOR_ID,
  VIRTIO_PCI_VRING_ALIGN,
} from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import type { GuestPorts } from "./guest-ports.ts";
import type { BarInfo, PciFunction } from "./pci-function.ts";
import { findPciFunction } from "./pci-probe.ts";
import type { GuestTransport } from "./transport.ts";

/** The legacy PCI interface (VIRTIO 1.2, 4.1.4.10) without MSI-X: registers behind I/O BAR 0. */
export class LegacyTransport implements GuestTransport {
  readonly legacyLayout: boolean = true;
  /** The card's PCI function. */
  readonly func: PciFunction;
  readonly #ports: GuestPorts;
  #base: number;

  /**
   * Turns the function on.
   * @throws DriverError where its BAR 0 is not I/O ports
   */
  constructor(ports: GuestPorts, func: PciFunction) {
    this.#ports = ports;
    this.func = func;
    this.#base = this.#bar().address;
    func.enable();
  }

  /**
   * Finds a network card of the legacy or transitional kind by its PCI ids.
   * @param nth which card, where there are several: 0 is the first
   * @throws DriverError where there is none, or its BAR 0 is not I/O ports
   */
  static probe(ports: GuestPorts, nth = 0): LegacyTransport {
    const func = findPciFunction(ports, VIRTIO_PCI_VENDOR_ID, VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET, nth);
    return new LegacyTransport(ports, func);
  }

  /** First port of the registers. */
  get base(): number {
    return this.#base;
  }

  /** Moves the registers to other ports, a multiple of their number. @throws DriverError where the BAR refuses */
  moveTo(base: number): void {
    this.#base = this.func.moveBar(this.#bar(), base).address;
  }

  readDeviceFeatures(word: number): number {
    return word === 0 ? this.#ports.in(this.#base + VIRTIO_PCI_HOST_FEATURES, 4) : 0;
  }

  writeDriverFeatures(word: number, bits: number): void {
    if (word === 0) this.#ports.out(this.#base + VIRTIO_PCI_GUEST_FEATURES, 4, bits);
  }

  readStatus(): number {
    return this.#ports.in(this.#base + VIRTIO_PCI_STATUS, 1);
  }

  writeStatus(status: number): void {
    this.#ports.out(this.#base + VIRTIO_PCI_STATUS, 1, status);
  }

  readIsr(): number {
    return this.#ports.in(this.#base + VIRTIO_PCI_ISR, 1);
  }

  readQueueSize(queue: number): number {
    this.#ports.out(this.#base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    return this.#ports.in(this.#base + VIRTIO_PCI_QUEUE_NUM, 2);
  }

  /** The legacy interface takes the page number of the descriptor table alone; the other parts follow from it. */
  writeQueue(queue: number, descTable: number): void {
    this.#ports.out(this.#base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    this.#ports.out(this.#base + VIRTIO_PCI_QUEUE_PFN, 4, descTable / VIRTIO_PCI_VRING_ALIGN);
  }

  /** Reads back the page number of a queue; 0 where it is not in use. */
  readQueuePfn(queue: number): number {
    this.#ports.out(this.#base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    return this.#ports.in(this.#base + VIRTIO_PCI_QUEUE_PFN, 4);
  }

  notify(queue: number): void {
    this.#ports.out(this.#base + VIRTIO_PCI_QUEUE_NOTIFY, 2, queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#ports.in(this.#base + VIRTIO_PCI_CONFIG_OFF + offset, size);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#ports.out(this.#base + VIRTIO_PCI_CONFIG_OFF + offset, size, value);
  }

  #bar(): BarInfo {
    const bar = this.func.bars().find(({ index }) => index === 0);
    if (bar?.kind !== "io") throw new DriverError(`BAR 0 of ${this.func} is not I/O ports`);
    return bar;
  }
}
