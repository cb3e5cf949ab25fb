import { PCI_CAP_ID_MSIX, PCI_CAP_ID_VNDR, PCI_CAP_MSIX_SIZEOF, PCI_STD_HEADER_SIZEOF } from "@vmmkit/pci";
import * as spec from "../spec.ts";
import { type BarPart, MODERN_LAYOUT, NOTIFY_OFF_MULTIPLIER } from "./pci-modern.ts";

/** Bytes of a `virtio_pci_cap` (VIRTIO 1.2, 4.1.4). */
const CAP_BYTES = 16;
/** A `virtio_pci_notify_cap`: the multiplier follows. */
const NOTIFY_CAP_BYTES = 20;
/** A `virtio_pci_cfg_cap`: four bytes of data follow. */
const CFG_CAP_BYTES = 20;

/** Offsets in a `virtio_pci_cap`. */
const CAP_LEN = 2;
const CAP_CFG_TYPE = 3;
export const CAP_BAR = 4;
export const CAP_OFFSET = 8;
export const CAP_LENGTH = 12;
export const CAP_DATA = 16;

/** The capabilities of a virtio function. */
export interface VirtioCapabilities {
  /** What is in configuration space from 0x40 on, linked with each other. */
  readonly bytes: Uint8Array;
  /** What of it the guest can write. */
  readonly writable: Uint8Array;
  /** Where MSI-X belongs, 0 for nowhere. */
  readonly msixAt: number;
  /** Where the PCI_CFG window is, 0 for nowhere. */
  readonly windowAt: number;
}

/** @param modernBar the BAR of the modern interface, -1 where there is none */
export function virtioCapabilities(modernBar: number, hasMsix: boolean): VirtioCapabilities {
  const list = new CapList();
  if (modernBar >= 0) {
    const { common, isr, device, notify } = MODERN_LAYOUT;
    list.addVirtio(spec.VIRTIO_PCI_CAP_COMMON_CFG, modernBar, common, CAP_BYTES);
    list.addVirtio(spec.VIRTIO_PCI_CAP_ISR_CFG, modernBar, isr, CAP_BYTES);
    list.addVirtio(spec.VIRTIO_PCI_CAP_DEVICE_CFG, modernBar, device, CAP_BYTES);
    const at = list.addVirtio(spec.VIRTIO_PCI_CAP_NOTIFY_CFG, modernBar, notify, NOTIFY_CAP_BYTES);
    list.put32(at + CAP_DATA, NOTIFY_OFF_MULTIPLIER);
  }
  // The window says nothing of its own: where it looks, and at how many bytes, is the driver's to write (4.1.4.9).
  const nowhere = { offset: 0, bytes: 0 };
  const windowAt = modernBar >= 0 ? list.addVirtio(spec.VIRTIO_PCI_CAP_PCI_CFG, 0, nowhere, CFG_CAP_BYTES) : 0;
  const msixAt = hasMsix ? list.add(PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF) : 0;
  const writable = new Uint8Array(list.bytes.length);
  if (windowAt !== 0) {
    const start = windowAt - PCI_STD_HEADER_SIZEOF;
    writable[start + CAP_BAR] = 0xff;
    writable.fill(0xff, start + CAP_OFFSET, start + CFG_CAP_BYTES);
  }
  return { bytes: list.bytes, writable, msixAt, windowAt };
}

/** Capabilities one behind the other. Offsets are those in configuration space. */
class CapList {
  readonly #bytes: number[] = [];
  #last = -1;

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** Adds a capability of which only id and pointer are known, and links it. @returns where it is */
  add(id: number, bytes: number): number {
    const start = this.#bytes.length;
    const at = start + PCI_STD_HEADER_SIZEOF;
    if (this.#last >= 0) this.#bytes[this.#last + 1] = at;
    this.#last = start;
    this.#bytes.push(id, ...new Array<number>(bytes - 1).fill(0));
    return at;
  }

  addVirtio(cfgType: number, bar: number, part: BarPart, bytes: number): number {
    const at = this.add(PCI_CAP_ID_VNDR, bytes);
    const start = at - PCI_STD_HEADER_SIZEOF;
    this.#bytes[start + CAP_LEN] = bytes;
    this.#bytes[start + CAP_CFG_TYPE] = cfgType;
    this.#bytes[start + CAP_BAR] = bar;
    this.put32(at + CAP_OFFSET, part.offset);
    this.put32(at + CAP_LENGTH, part.bytes);
    return at;
  }

  put32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.#bytes[at - PCI_STD_HEADER_SIZEOF + i] = (value >>> (8 * i)) & 0xff;
  }
}
