import { VIRTIO_PCI_VRING_ALIGN, VIRTQ_DESC_BYTES, VIRTQ_USED_ELEM_BYTES } from "../spec.ts";

/** Guest physical addresses of a split virtqueue's three parts. */
export interface SplitLayout {
  /** The descriptor table: 16 bytes an entry, aligned to 16. */
  readonly descTable: number;
  /** The available ring: flags, idx, an entry of 2 bytes each, used_event; aligned to 2. */
  readonly availRing: number;
  /** The used ring: flags, idx, an entry of 8 bytes each, avail_event; aligned to 4. */
  readonly usedRing: number;
}

/** Whether each part lies where 2.7 wants it: descriptors on 16 bytes, available ring on 2, used ring on 4. */
export function isAligned(layout: SplitLayout): boolean {
  return layout.descTable % 16 === 0 && layout.availRing % 2 === 0 && layout.usedRing % 4 === 0;
}

/** Bytes of the descriptor table. */
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
export function legacyLayout(start: number, size: number): SplitLayout {
  const availRing = start + descTableBytes(size);
  const availEnd = availRing + availRingBytes(size);
  const usedRing = Math.ceil(availEnd / VIRTIO_PCI_VRING_ALIGN) * VIRTIO_PCI_VRING_ALIGN;
  return { descTable: start, availRing, usedRing };
}
