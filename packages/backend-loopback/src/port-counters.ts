/** What a hub's port counted since it was made. "In" is from the port into the hub, "out" from the hub to the port. */
export interface PortStats {
  /** The port's name. */
  readonly name: string;
  /** Whether its link is up; not after it was closed. */
  readonly linkUp: boolean;
  /** Frames and bytes that came in at the port. */
  readonly framesIn: number;
  readonly bytesIn: number;
  /** Frames and bytes that went out to the port. */
  readonly framesOut: number;
  readonly bytesOut: number;
  /** Of the frames in: those for all ports, because the address names a group or nobody was heard with it yet. */
  readonly flooded: number;
  /** Of the frames in: those for a station at the same port, which the hub leaves alone. */
  readonly filtered: number;
  /** 1 once the other side of a channel wrote something impossible into it, and the port was closed for that. */
  readonly corrupt: number;
  /** Frames thrown away at this port, by reason. */
  readonly dropped: DroppedFrames;
}

/** Frames thrown away, by reason. */
export interface DroppedFrames {
  /** Out: the receiver had no room and the port's buffer was full, or it never offered room for a frame this long. */
  readonly noBuffers: number;
  /** In: longer than the hub carries. */
  readonly tooLong: number;
  /** In: shorter than an Ethernet header. */
  readonly tooShort: number;
  /** In or out: the port's link was down. */
  readonly linkDown: number;
  /** In after the port was closed, or on their way out when it was. */
  readonly closed: number;
}

/** The counters behind `PortStats`. */
export class PortCounters {
  framesIn = 0;
  bytesIn = 0;
  framesOut = 0;
  bytesOut = 0;
  flooded = 0;
  filtered = 0;
  corrupt = 0;
  noBuffers = 0;
  tooLong = 0;
  tooShort = 0;
  linkDown = 0;
  closed = 0;

  /** The counters as they are now. */
  snapshot(name: string, linkUp: boolean): PortStats {
    const { framesIn, bytesIn, framesOut, bytesOut, flooded, filtered, corrupt } = this;
    const { noBuffers, tooLong, tooShort, linkDown, closed } = this;
    const dropped = { noBuffers, tooLong, tooShort, linkDown, closed };
    return { name, linkUp, framesIn, bytesIn, framesOut, bytesOut, flooded, filtered, corrupt, dropped };
  }

  /** All frames thrown away. */
  get dropped(): number {
    return this.noBuffers + this.tooLong + this.tooShort + this.linkDown + this.closed;
  }
}
