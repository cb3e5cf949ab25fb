/** What a TAP backend counted since it was made. "Out" is from the guest to the host. */
export interface TapStats {
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** Frames out that had to wait for the kernel. */
  readonly enqueued: number;
  /** Frames in that had to be copied, as the guest's room was shorter than they were. */
  readonly copiedIn: number;
  /** How often the guest had no room, and reading stopped until it had some. */
  readonly starved: number;
  /** How often the interface was deleted while the backend had it. */
  readonly lost: number;
  /** How often it came back. */
  readonly recovered: number;
  /** Frames thrown away here, by reason. What the kernel throws away in front of a full queue it counts itself. */
  readonly dropped: {
    /** Out: the kernel took none, and the queue was full. */
    readonly queueFull: number;
    /** Out: the kernel had no memory (ENOBUFS, ENOMEM). */
    readonly noMemory: number;
    /** Out: the interface was down (EIO), or went down while the frame waited. */
    readonly down: number;
    /** Out: there was no interface. */
    readonly gone: number;
    /** Out: the kernel refused it, as its header makes no sense (EINVAL) or for another reason. */
    readonly refused: number;
    /** Out: shorter than an Ethernet header. */
    readonly tooShort: number;
    /** Out: longer than any frame can be. */
    readonly tooLong: number;
    /** In: the guest never offered room for a frame this long. */
    readonly noRoom: number;
    /** Out: sent or still waiting when the backend was closed or the queue pair given up, or emptied by a reset. */
    readonly closed: number;
  };
}

/** The counters behind `TapStats`. */
export class TapCounters {
  framesOut = 0;
  bytesOut = 0;
  framesIn = 0;
  bytesIn = 0;
  enqueued = 0;
  copiedIn = 0;
  starved = 0;
  lost = 0;
  recovered = 0;
  queueFull = 0;
  noMemory = 0;
  down = 0;
  gone = 0;
  refused = 0;
  tooShort = 0;
  tooLong = 0;
  noRoom = 0;
  closed = 0;

  /** The counters as they are now. */
  snapshot(): TapStats {
    const { framesOut, bytesOut, framesIn, bytesIn, enqueued, copiedIn, starved, lost, recovered } = this;
    const { queueFull, noMemory, down, gone, refused, tooShort, tooLong, noRoom, closed } = this;
    const dropped = { queueFull, noMemory, down, gone, refused, tooShort, tooLong, noRoom, closed };
    return { framesOut, bytesOut, framesIn, bytesIn, enqueued, copiedIn, starved, lost, recovered, dropped };
  }

  /** All frames thrown away here. */
  get dropped(): number {
    const { queueFull, noMemory, down, gone, refused, tooShort, tooLong, noRoom, closed } = this;
    return queueFull + noMemory + down + gone + refused + tooShort + tooLong + noRoom + closed;
  }
}
