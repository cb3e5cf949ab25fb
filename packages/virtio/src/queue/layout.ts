import { VIRTIO_PCI_VRING_ALIGN, VIRTQ_DESC_BYTES, VIRTQ_USED_ELEM_BYTES } from "../spec.ts";

/** Guest physical addresses of a virtqueue's three parts: of a split virtqueue (2.7), or of a packed one (2.8). */
export interface QueueLayout {
  /** The descriptor table, or the descriptor ring: 16 bytes an entry, aligned to 16. */
  readonly descTable: number;
  /**
   * The driver area. Split: the available ring, with flags, idx, an entry of 2 bytes each, used_event; aligned to 2.
   * Packed: the driver event suppression structure, 4 bytes, aligned to 4.
   */
  readonly availRing: number;
  /**
   * The device area. Split: the used ring, with flags, idx, an entry of 8 bytes each, avail_event; aligned to 4.
   * Packed: the device event suppression structure, 4 bytes, aligned to 4.
   */
  readonly usedRing: number;
}

/** Bytes of an event suppression structure, and what it is aligned to (2.8.10.1). */
export const EVENT_SUPPRESS_BYTES = 4;

/** Whether each part of a split virtqueue lies where 2.7 wants it: descriptors on 16 bytes, rings on 2 and 4. */
export function isSplitAligned(layout: QueueLayout): boolean {
  return layout.descTable % 16 === 0 && layout.availRing % 2 === 0 && layout.usedRing % 4 === 0;
}

/** Whether each part of a packed virtqueue lies where 2.8.10.1 wants it. */
export function isPackedAligned(layout: QueueLayout): boolean {
  return layout.descTable % 16 === 0 && layout.availRing % 4 === 0 && layout.usedRing % 4 === 0;
}

/** Bytes of the descriptor table, or of the descriptor ring. */
export function descTableBytes(size: number): number {
  return VIRTQ_DESC_BYTES * size;
}

/** Bytes of the available ring, `used_event` included (2.7). */
export function availRingBytes(size: number): number {
  return 6 + 2 * size;
}

/** Bytes of the used ring, `avail_event` included (2.7). */
export function usedRingBytes(size: number): number {
  return 6 + VIRTQ_USED_ELEM_BYTES * size;
}

/**
 * The legacy layout: one block that starts on a page, the used ring on a page of its own (2.7.2).
 * @param start guest physical address of the block, a multiple of 4096
 * @param size entries of the queue
 */
export function legacyLayout(start: number, size: number): QueueLayout {
  const availRing = start + descTableBytes(size);
  const availEnd = availRing + availRingBytes(size);
  const usedRing = Math.ceil(availEnd / VIRTIO_PCI_VRING_ALIGN) * VIRTIO_PCI_VRING_ALIGN;
  return { descTable: start, availRing, usedRing };
}
