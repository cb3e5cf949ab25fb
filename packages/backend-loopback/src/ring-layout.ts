/*
 * One direction of a frame channel: a circle of bytes with one writer and one reader, who may be two threads.
 *
 *      header: 256 bytes               data: capacity bytes, a power of two
 *     ┌─────────────────────────┐     ┌──────────────────────────────────────────────┐
 *     │ WRITTEN      (writer's) │     │ ░░░░░░░│length│bytes…│pad│length│bytes…│░░░░░░│
 *     │ READ         (reader's) │     └────────▲─────────────────────────────▲───────┘
 *     │ ASLEEP  WANTS_SPACE     │            READ                         WRITTEN
 *     └─────────────────────────┘
 *
 * WRITTEN and READ count bytes since the start, modulo 2^32. The writer fills records first and moves WRITTEN
 * afterwards, so the reader never sees half a record; the reader moves READ when it is done with the bytes, so the
 * writer never overwrites what is being read.
 *
 * Nobody is woken without having asked. A reader about to rest sets ASLEEP and looks once more; a writer that
 * finds it set clears it and rings. Whoever looks last sees the other's step, because Atomics are sequentially
 * consistent: either the reader finds the record, or the writer finds the flag. A writer without space does the
 * same with WANTS_SPACE.
 *
 * A record is a word with the frame's length, three words of offload fields where LENGTH_OFFLOADS is set, and the
 * frame's bytes, padded to a multiple of 4. Words never wrap; the bytes may.
 */

/** Bytes of a ring's header. Writer's and reader's words lie in cache lines of their own. */
export const RING_HEADER_BYTES = 256;

/** Offsets in the header, in 32-bit words. */
export const WRITTEN = 0;
export const READ = 16;
export const ASLEEP = 32;
export const WANTS_SPACE = 48;

/** Set in a record's length: offload fields follow. */
export const LENGTH_OFFLOADS = 0x8000_0000;
/** The word with the length. */
export const LENGTH_BYTES = 4;
/** The three words with the offload fields. */
export const OFFLOAD_BYTES = 12;

/** The longest frame that a record holds: 65535 bytes and a tagged Ethernet header. */
export const LONGEST_RECORD_FRAME: number = 65535 + 18;

/** Smallest and largest capacity of a ring. The smallest still holds three of the longest frames. */
export const MIN_RING_BYTES = 0x4_0000;
export const MAX_RING_BYTES = 0x4000_0000;

/** Where a ring lies in memory. */
export interface RingPlace {
  /** Shared between threads or not. */
  readonly memory: ArrayBufferLike;
  /** Offset of the header in bytes, a multiple of 64. */
  readonly headerOffset: number;
  /** Offset of the data in bytes, a multiple of 4. */
  readonly dataOffset: number;
  /** Bytes of data, a power of two. */
  readonly capacity: number;
}

/** A frame's length rounded up to the next record. */
export function paddedBytes(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}
