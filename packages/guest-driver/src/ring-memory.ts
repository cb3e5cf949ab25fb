import type { GuestRam } from "./guest-ram.ts";
import {
  availRingBytes,
  descTableBytes,
  legacyRingBytes,
  legacyRingLayout,
  type RingLayout,
  usedRingBytes,
} from "./ring-layout.ts";

/**
 * Takes memory for a ring.
 * @param legacy the legacy layout, or the three parts wherever there is room: used ring first, so that they are in
 * no order that a device could have come to rely on
 */
export function allocateRing(ram: GuestRam, size: number, legacy: boolean): RingLayout {
  if (legacy) return legacyRingLayout(ram.alloc(legacyRingBytes(size)), size);
  const usedRing = ram.alloc(usedRingBytes(size));
  const availRing = ram.alloc(availRingBytes(size));
  return { size, descTable: ram.alloc(descTableBytes(size)), availRing, usedRing };
}

/** Gives a ring's memory back. */
export function freeRing(ram: GuestRam, layout: RingLayout): void {
  const legacy = legacyRingLayout(layout.descTable, layout.size);
  if (legacy.availRing === layout.availRing && legacy.usedRing === layout.usedRing) {
    ram.free(layout.descTable, legacyRingBytes(layout.size));
    return;
  }
  ram.free(layout.descTable, descTableBytes(layout.size));
  ram.free(layout.availRing, availRingBytes(layout.size));
  ram.free(layout.usedRing, usedRingBytes(layout.size));
}
