/** What a live backend counted since it was made. "Out" is from the guest to the interface. */
export interface LiveStats {
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** Frames in of which the guest got less than there was, by `snapLength`. */
  readonly cut: number;
  /** Frames out that had to wait for the kernel. */
  readonly enqueued: number;
  /** How often the guest had no room, and reading stopped until it had some. */
  readonly starved: number;
  /** How often the interface went away, or libpcap failed. */
  readonly lost: number;
  /** How often it was opened again. */
  readonly recovered: number;
  /** What libpcap said when it last failed; null where it did not. */
  readonly problem: string | null;
  /** Frames thrown away, by reason. */
  readonly dropped: {
    /** In: the kernel's buffer was full, as the guest took none. */
    readonly kernel: number;
    /** In: longer than the link's MTU allows; the interface has joined segments (see "offloads" in the README). */
    readonly tooLong: number;
    /** In or out: shorter than an Ethernet header. */
    readonly tooShort: number;
    /** In: the guest never offers room for a frame this long. */
    readonly noRoom: number;
    /** Out: the kernel took none, and the queue was full. */
    readonly queueFull: number;
    /** Out: the kernel had no memory, or no place in the interface's queue. */
    readonly noMemory: number;
    /** Out: longer than the interface takes. */
    readonly refused: number;
    /** Out: the interface was down or gone, or went while the frame waited. */
    readonly down: number;
    /** Out: sent or still waiting when the backend was closed, or emptied by a reset of the card. */
    readonly closed: number;
  };
}

/** The counters behind `LiveStats`. */
export class LiveCounters {
  framesOut = 0;
  bytesOut = 0;
  framesIn = 0;
  bytesIn = 0;
  cut = 0;
  enqueued = 0;
  starved = 0;
  lost = 0;
  recovered = 0;
  problem: string | null = null;
  readonly dropped = {
    kernel: 0,
    tooLong: 0,
    tooShort: 0,
    noRoom: 0,
    queueFull: 0,
    noMemory: 0,
    refused: 0,
    down: 0,
    closed: 0,
  };

  /** The counters as they are now. @param kernel frames that the kernel dropped from the handle that is open */
  snapshot(kernel: number): LiveStats {
    const { framesOut, bytesOut, framesIn, bytesIn, cut, enqueued, starved, lost, recovered, problem } = this;
    const dropped = { ...this.dropped, kernel: this.dropped.kernel + kernel };
    return { framesOut, bytesOut, framesIn, bytesIn, cut, enqueued, starved, lost, recovered, problem, dropped };
  }
}
