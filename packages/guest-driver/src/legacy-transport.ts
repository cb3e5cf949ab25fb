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
} from "@vmmkit/virtio";
import type { GuestPorts } from "./guest-ports.ts";
import type { GuestTransport } from "./transport.ts";

/** The legacy PCI interface (VIRTIO 1.2, 4.1.4.10) without MSI-X: registers behind I/O BAR 0. */
export class LegacyTransport implements GuestTransport {
  readonly legacyLayout: boolean = true;
  /** First port of the device's registers. Whoever moves the BAR says so here. */
  base: number;
  readonly #ports: GuestPorts;

  /** @param base first port of I/O BAR 0 */
  constructor(ports: GuestPorts, base: number) {
    this.#ports = ports;
    this.base = base;
  }

  readDeviceFeatures(word: number): number {
    return word === 0 ? this.#ports.in(this.base + VIRTIO_PCI_HOST_FEATURES, 4) : 0;
  }

  writeDriverFeatures(word: number, bits: number): void {
    if (word === 0) this.#ports.out(this.base + VIRTIO_PCI_GUEST_FEATURES, 4, bits);
  }

  readStatus(): number {
    return this.#ports.in(this.base + VIRTIO_PCI_STATUS, 1);
  }

  writeStatus(status: number): void {
    this.#ports.out(this.base + VIRTIO_PCI_STATUS, 1, status);
  }

  readIsr(): number {
    return this.#ports.in(this.base + VIRTIO_PCI_ISR, 1);
  }

  readQueueSize(queue: number): number {
    this.#ports.out(this.base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    return this.#ports.in(this.base + VIRTIO_PCI_QUEUE_NUM, 2);
  }

  /** The legacy interface takes the page number of the descriptor table alone; the other parts follow from it. */
  writeQueue(queue: number, descTable: number): void {
    this.#ports.out(this.base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    this.#ports.out(this.base + VIRTIO_PCI_QUEUE_PFN, 4, descTable / VIRTIO_PCI_VRING_ALIGN);
  }

  /** Reads back the page number of a queue; 0 where it is not in use. */
  readQueuePfn(queue: number): number {
    this.#ports.out(this.base + VIRTIO_PCI_QUEUE_SEL, 2, queue);
    return this.#ports.in(this.base + VIRTIO_PCI_QUEUE_PFN, 4);
  }

  notify(queue: number): void {
    this.#ports.out(this.base + VIRTIO_PCI_QUEUE_NOTIFY, 2, queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#ports.in(this.base + VIRTIO_PCI_CONFIG_OFF + offset, size);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#ports.out(this.base + VIRTIO_PCI_CONFIG_OFF + offset, size, value);
  }
}
