import { VIRTIO_PCI_VRING_ALIGN, VIRTQ_DESC_BYTES, VIRTQ_MAX_SIZE, VIRTQ_USED_ELEM_BYTES } from "@vmmkit/virtio";
import { RingError } from "./errors.ts";

/** Where the three parts of a virtqueue are: guest physical addresses (VIRTIO 1.2, 2.7, 2.8). */
export interface RingLayout {
  /** Entries: up to 32768, and a power of two in a split virtqueue. */
  readonly size: number;
  /** Descriptor table, or descriptor ring; a multiple of 16. */
  readonly descTable: number;
  /** Available ring, a multiple of 2; or driver event suppression structure, a multiple of 4. */
  readonly availRing: number;
  /** Used ring, or device event suppression structure; a multiple of 4. */
  readonly usedRing: number;
}

/** Bytes of the descriptor table (2.7: 16 * Queue Size). */
export function descTableBytes(size: number): number {
  return VIRTQ_DESC_BYTES * size;
}

/** Bytes of the available ring with `used_event` (2.7: 6 + 2 * Queue Size). */
export function availRingBytes(size: number): number {
  return 6 + 2 * size;
}

/** Bytes of the used ring with `avail_event` (2.7: 6 + 8 * Queue Size). */
export function usedRingBytes(size: number): number {
  return 6 + VIRTQ_USED_ELEM_BYTES * size;
}

/** Bytes of a whole virtqueue of the legacy interface (2.7.2): two parts, each padded to 4096 bytes. */
export function legacyRingBytes(size: number): number {
  return alignLegacy(descTableBytes(size) + availRingBytes(size)) + alignLegacy(usedRingBytes(size));
}

/** The legacy layout at `base` (2.7.2): table and available ring together, the used ring on the next 4096 bytes. */
export function legacyRingLayout(base: number, size: number): RingLayout {
  const availRing = base + descTableBytes(size);
  const usedRing = alignLegacy(availRing + availRingBytes(size));
  return checkRingLayout({ size, descTable: base, availRing, usedRing });
}

/** Refuses a size or an alignment that a driver must not use (2.7, 2.7.1). @throws RingError */
export function checkRingLayout(layout: RingLayout): RingLayout {
  const { size } = layout;
  if (!Number.isInteger(size) || size < 1 || size > VIRTQ_MAX_SIZE || (size & (size - 1)) !== 0) {
    throw new RingError(`"size" expected a power of two from 1 to ${VIRTQ_MAX_SIZE}, got ${size}`);
  }
  checkAligned("descTable", layout.descTable, 16);
  checkAligned("availRing", layout.availRing, 2);
  checkAligned("usedRing", layout.usedRing, 4);
  return layout;
}

/** Bytes of an event suppression structure of a packed ring, and what it is aligned to (2.8.10.1). */
export const EVENT_SUPPRESS_BYTES = 4;

/** Like `checkRingLayout`, for a packed ring (2.8, 2.8.11): any size up to 32768. @throws RingError */
export function checkPackedLayout(layout: RingLayout): RingLayout {
  const { size } = layout;
  if (!Number.isInteger(size) || size < 1 || size > VIRTQ_MAX_SIZE) {
    throw new RingError(`"size" expected an integer from 1 to ${VIRTQ_MAX_SIZE}, got ${size}`);
  }
  checkAligned("descTable", layout.descTable, 16);
  checkAligned("availRing", layout.availRing, EVENT_SUPPRESS_BYTES);
  checkAligned("usedRing", layout.usedRing, EVENT_SUPPRESS_BYTES);
  return layout;
}

function checkAligned(name: string, gpa: number, alignment: number): void {
  if (!Number.isSafeInteger(gpa) || gpa < 0 || gpa % alignment !== 0) {
    throw new RingError(`"${name}" expected a multiple of ${alignment}, got ${gpa}`);
  }
}

function alignLegacy(value: number): number {
  return Math.ceil(value / VIRTIO_PCI_VRING_ALIGN) * VIRTIO_PCI_VRING_ALIGN;
}
