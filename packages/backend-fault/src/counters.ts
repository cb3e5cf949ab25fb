/** Why a frame was lost. */
export type LossCause = "fault" | "overflow" | "linkDown" | "refused" | "noMemory" | "reset" | "closed";

/**
 * What was counted in one direction since the backend was made. At any time
 * `frames + duplicated = passed + waiting + all of dropped`.
 */
export interface DirectionStats {
  /** Frames and bytes that came in. */
  readonly frames: number;
  readonly bytes: number;
  /** Frames handed on: taken by the backend, or given to the card. */
  readonly passed: number;
  /** Frames made by duplication. */
  readonly duplicated: number;
  /** Frames with bits turned over. */
  readonly corrupted: number;
  /** Frames put aside for others to overtake them. */
  readonly reordered: number;
  /** Frames that were delayed. */
  readonly delayed: number;
  /** Frames that waited for a rate limit. */
  readonly limited: number;
  /** Frames that wait now. */
  readonly waiting: number;
  /** Frames lost, by cause. */
  readonly dropped: {
    /** The fault of that name. */
    readonly fault: number;
    /** More than `queueFrames` waited. */
    readonly overflow: number;
    /** The link was down here. */
    readonly linkDown: number;
    /** The backend answered `Failed`. */
    readonly refused: number;
    /** There was no memory left for a copy. */
    readonly noMemory: number;
    /** The guest reset its card while the frame waited. */
    readonly reset: number;
    /** The backend was closed. */
    readonly closed: number;
  };
}

/** The counters behind `DirectionStats`. */
export class DirectionCounters {
  frames = 0;
  bytes = 0;
  passed = 0;
  duplicated = 0;
  corrupted = 0;
  reordered = 0;
  delayed = 0;
  limited = 0;
  readonly dropped: Record<LossCause, number> = {
    fault: 0,
    overflow: 0,
    linkDown: 0,
    refused: 0,
    noMemory: 0,
    reset: 0,
    closed: 0,
  };

  /** All frames lost. */
  get lost(): number {
    return Object.values(this.dropped).reduce((sum, count) => sum + count, 0);
  }

  /** The counters as they are now. */
  snapshot(waiting: number): DirectionStats {
    const { frames, bytes, passed, duplicated, corrupted, reordered, delayed, limited } = this;
    const dropped = { ...this.dropped };
    return { frames, bytes, passed, duplicated, corrupted, reordered, delayed, limited, waiting, dropped };
  }
}
