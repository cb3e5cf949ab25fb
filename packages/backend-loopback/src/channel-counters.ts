/** What a card's end of a frame channel counted since it was made. "Out" is from the guest into the channel. */
export interface ChannelStats {
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** Frames out that had to wait for space. */
  readonly enqueued: number;
  /** 1 once the other side wrote something impossible into the channel, and it was closed for that. */
  readonly corrupt: number;
  /** Frames thrown away, by reason. */
  readonly dropped: {
    /** Out: the channel and the queue were full. */
    readonly noSpace: number;
    /** In: the guest never offered room for a frame this long. */
    readonly noBuffers: number;
    /** Longer than the link carries. */
    readonly tooLong: number;
    /** Shorter than an Ethernet header. */
    readonly tooShort: number;
    /** Out: the other side was gone or its link down. */
    readonly linkDown: number;
    /** Out: sent or still waiting when the backend was closed, or emptied by a reset of the card. */
    readonly closed: number;
  };
}

/** The counters behind `ChannelStats`. */
export class ChannelCounters {
  framesOut = 0;
  bytesOut = 0;
  framesIn = 0;
  bytesIn = 0;
  enqueued = 0;
  corrupt = 0;
  noSpace = 0;
  noBuffers = 0;
  tooLong = 0;
  tooShort = 0;
  linkDown = 0;
  closed = 0;

  /** The counters as they are now. */
  snapshot(): ChannelStats {
    const { framesOut, bytesOut, framesIn, bytesIn, enqueued, corrupt } = this;
    const { noSpace, noBuffers, tooLong, tooShort, linkDown, closed } = this;
    const dropped = { noSpace, noBuffers, tooLong, tooShort, linkDown, closed };
    return { framesOut, bytesOut, framesIn, bytesIn, enqueued, corrupt, dropped };
  }

  /** All frames thrown away. */
  get dropped(): number {
    return this.noSpace + this.noBuffers + this.tooLong + this.tooShort + this.linkDown + this.closed;
  }
}
