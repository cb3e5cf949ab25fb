import { PciDefinitionError } from "./errors.ts";
import { Overlay, overlaid } from "./overlay.ts";
import type { PciEntry } from "./pci-entry.ts";
import * as spec from "./spec.ts";

/** Bytes of configuration space. */
export interface PciConfigRange {
  /** First byte, 0x40 to 0xff. */
  readonly start: number;
  /** Last byte, itself included. */
  readonly end: number;
}

/**
 * Shows a capability list of one's own choice (C original: `vmm_pci_create_cap_emulation`): the list goes through
 * `caps` in this order, whatever the entry's own pointers say; without any, the function has no capability list.
 * @param caps offsets of capabilities that the entry has, multiples of 4 from 0x40 on, none twice
 * @param ignoredRanges bytes that read 0 and cannot be written
 * @throws PciDefinitionError for other offsets and ranges
 */
export function capEmulation(
  entry: PciEntry,
  caps: readonly number[],
  ignoredRanges: readonly PciConfigRange[] = [],
): PciEntry {
  checkCaps(caps);
  const overlay = new Overlay();
  overlay.show(spec.PCI_STATUS, spec.PCI_STATUS_CAP_LIST, caps.length > 0 ? spec.PCI_STATUS_CAP_LIST : 0);
  overlay.show(spec.PCI_CAPABILITY_LIST, 0xff, caps[0] ?? 0);
  caps.forEach((at, index) => {
    overlay.show(at + spec.PCI_CAP_LIST_NEXT, 0xff, caps[index + 1] ?? 0);
  });
  for (const range of ignoredRanges) ignore(overlay, range);
  return overlaid(entry, overlay);
}

/**
 * Takes message-signalled interrupts, MSI and MSI-X, out of the entry's capability list, and hides their registers
 * (C original: `vmm_pci_no_msi_cap_emulation`). The list is read once, now. A list that runs in circles or out of
 * its space is cut there.
 * @returns the entry itself where its list is sound and has neither
 * @throws PciDefinitionError where the entry has no type 0 header
 */
export function noMsiCapEmulation(entry: PciEntry): PciEntry {
  const headerType = entry.ioRead(spec.PCI_HEADER_TYPE, 1) & spec.PCI_HEADER_TYPE_MASK;
  if (headerType !== spec.PCI_HEADER_TYPE_NORMAL) {
    throw new PciDefinitionError(`"entry" expected a type 0 header, got type ${headerType}`);
  }
  if ((entry.ioRead(spec.PCI_STATUS, 2) & spec.PCI_STATUS_CAP_LIST) === 0) return entry;
  const { offsets, sound } = walk(entry);
  const kept = offsets.filter((at) => !isMessageSignalled(entry, at));
  if (sound && kept.length === offsets.length) return entry;
  const hidden = offsets.filter((at) => isMessageSignalled(entry, at)).map((at) => rangeOf(entry, at));
  return capEmulation(entry, kept, hidden);
}

/** Follows the list, no capability twice. `sound` says whether it ended as it should. */
function walk(entry: PciEntry): { offsets: number[]; sound: boolean } {
  const seen = new Set<number>();
  // The lowest two bits of each pointer are reserved (6.7).
  let at = entry.ioRead(spec.PCI_CAPABILITY_LIST, 1) & 0xfc;
  while (at >= spec.PCI_STD_HEADER_SIZEOF && !seen.has(at)) {
    seen.add(at);
    at = entry.ioRead(at + spec.PCI_CAP_LIST_NEXT, 1) & 0xfc;
  }
  return { offsets: [...seen], sound: at === 0 };
}

function isMessageSignalled(entry: PciEntry, at: number): boolean {
  const id = entry.ioRead(at + spec.PCI_CAP_LIST_ID, 1);
  return id === spec.PCI_CAP_ID_MSI || id === spec.PCI_CAP_ID_MSIX;
}

function rangeOf(entry: PciEntry, at: number): PciConfigRange {
  const isMsi = entry.ioRead(at + spec.PCI_CAP_LIST_ID, 1) === spec.PCI_CAP_ID_MSI;
  const bytes = isMsi ? msiBytes(entry.ioRead(at + spec.PCI_MSI_FLAGS, 2)) : spec.PCI_CAP_MSIX_SIZEOF;
  return { start: at, end: Math.min(at + bytes, spec.PCI_CONFIG_SPACE_BYTES) - 1 };
}

/** 10 bytes, 4 more for a 64-bit address, 10 more (2 of them reserved) for mask and pending bits (6.8.1). */
function msiBytes(flags: number): number {
  const address64 = (flags & spec.PCI_MSI_FLAGS_64BIT) !== 0 ? 4 : 0;
  return 10 + address64 + ((flags & spec.PCI_MSI_FLAGS_MASKBIT) !== 0 ? 10 : 0);
}

function ignore(overlay: Overlay, { start, end }: PciConfigRange): void {
  if (!isCapabilityByte(start) || !isCapabilityByte(end) || end < start) {
    throw new PciDefinitionError(`"ignoredRanges" expected bytes within 0x40 to 0xff, got ${start} to ${end}`);
  }
  for (let offset = start; offset <= end; offset++) {
    overlay.show(offset, 0xff, 0);
    overlay.blocked[offset] = 1;
  }
}

function checkCaps(caps: readonly number[]): void {
  caps.forEach((at, index) => {
    if (!isCapabilityByte(at) || at % 4 !== 0 || caps.indexOf(at) !== index) {
      throw new PciDefinitionError(`"caps" expected different multiples of 4 from 0x40 to 0xfc, got ${at}`);
    }
  });
}

function isCapabilityByte(offset: number): boolean {
  return Number.isInteger(offset) && offset >= spec.PCI_STD_HEADER_SIZEOF && offset < spec.PCI_CONFIG_SPACE_BYTES;
}
