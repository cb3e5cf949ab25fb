import type { Stopwatch } from "./stopwatch.ts";

/** What a loop is made with. */
export interface LoopOptions {
  /** Bytes of a frame. */
  readonly bytes: number;
  /** Entries of each queue. */
  readonly ring: number;
  /** Whether EVENT_IDX, INDIRECT_DESC are negotiated; with the latter each chain is a table of its own. */
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  /** The modern interface instead of the legacy one. Default false. */
  readonly modern?: boolean;
  /** Packed queues instead of split ones; they need the modern interface. Default false. */
  readonly packed?: boolean;
  /** Whether IN_ORDER is negotiated. Default false. */
  readonly inOrder?: boolean;
  /** Cards in the process. */
  readonly cards: number;
  /** Frames to a notification, at most. Default: 128. */
  readonly batch?: number;
  /** Receive buffers are two descriptors each, header and payload. Default: one. */
  readonly rxHeaderApart?: boolean;
  /** The guest leaves checksums and segmentation to the card and takes segments, each in one buffer. Default false. */
  readonly segments?: boolean;
  /** Bytes of guest memory. Default: as much as the rings and their buffers need. */
  readonly memoryBytes?: number;
}

/** Frames to a notification where the options say nothing. */
export const BATCH = 128;

/** The usual case: what a Linux guest does. */
export const USUAL: LoopOptions = { bytes: 64, ring: 256, eventIdx: true, indirect: false, cards: 1 };

/** Makes a loop. Each of its turns puts a batch of frames through, times the device, and answers how many there were. */
export type LoopMaker = (options: LoopOptions, watch: Stopwatch) => () => number;

/** Frames in a batch: half a ring of two descriptors each, at most 128 or what the options say. */
export function batchOf({ ring, indirect, batch = BATCH }: LoopOptions): number {
  return Math.min(batch, indirect ? ring : ring / 2);
}
