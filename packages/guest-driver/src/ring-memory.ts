import type { GuestRam } from "./guest-ram.ts";
import {
  availRingBytes,
  descTableBytes,
  EVENT_SUPPRESS_BYTES,
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

/** Takes memory for a packed ring: its event suppression structures are on a page of their own. */
export function allocatePackedRing(ram: GuestRam, size: number): RingLayout {
  const events = ram.alloc(2 * EVENT_SUPPRESS_BYTES);
  return {
    size,
    descTable: ram.alloc(descTableBytes(size)),
    availRing: events,
    usedRing: events + EVENT_SUPPRESS_BYTES,
  };
}

/** Gives the memory of a ring from `allocatePackedRing` back. */
export function freePackedRing(ram: GuestRam, layout: RingLayout): void {
  ram.free(layout.descTable, descTableBytes(layout.size));
  ram.free(layout.availRing, 2 * EVENT_SUPPRESS_BYTES);
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
