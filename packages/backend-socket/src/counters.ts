/** Why a frame was thrown away. */
export type DropCause =
  | "noSpace"
  | "noRoom"
  | "tooLong"
  | "tooShort"
  | "linkDown"
  | "noPeer"
  | "hostError"
  | "reset"
  | "closed";

/** What a socket's backend counted since it was made. "Out" is from the guest into the socket. */
export interface SocketStats {
  /** Whether there is a peer, as far as that can be known. */
  readonly linkUp: boolean;
  readonly framesOut: number;
  readonly bytesOut: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** How often frames had to wait because the socket took no more. */
  readonly blocked: number;
  /** How often the guest had no room, and reading stopped until it had some. */
  readonly starved: number;
  /** How often a peer came. */
  readonly connects: number;
  /** How often one went, whatever the reason. */
  readonly disconnects: number;
  /** How often a connection was given up because what came over it was no framing. */
  readonly corrupt: number;
  /** Attempts to connect, or to take a connection, that failed. */
  readonly failures: number;
  /** Frames thrown away, by reason. */
  readonly dropped: {
    /** Out: the socket took none, and `queueFrames` waited. */
    readonly noSpace: number;
    /** In: the guest never offered room for a frame this long. */
    readonly noRoom: number;
    /** Longer than the link carries. */
    readonly tooLong: number;
    /** Shorter than an Ethernet header. */
    readonly tooShort: number;
    /** Out: there was no peer, or it went while the frame waited. */
    readonly linkDown: number;
    /** Out: nobody listens where datagrams go to. */
    readonly noPeer: number;
    /** The host refused it for another reason. */
    readonly hostError: number;
    /** The guest reset its card, or its memory went, while the frame waited or was being read. */
    readonly reset: number;
    /** Out: sent or still waiting when the backend was closed. */
    readonly closed: number;
  };
}

/** The counters behind `SocketStats`. */
export class Counters {
  framesOut = 0;
  bytesOut = 0;
  framesIn = 0;
  bytesIn = 0;
  blocked = 0;
  starved = 0;
  connects = 0;
  disconnects = 0;
  corrupt = 0;
  failures = 0;
  readonly dropped: Record<DropCause, number> = {
    noSpace: 0,
    noRoom: 0,
    tooLong: 0,
    tooShort: 0,
    linkDown: 0,
    noPeer: 0,
    hostError: 0,
    reset: 0,
    closed: 0,
  };

  /** All frames thrown away. */
  get lost(): number {
    return Object.values(this.dropped).reduce((sum, count) => sum + count, 0);
  }

  /** The counters as they are now. */
  snapshot(linkUp: boolean): SocketStats {
    const { framesOut, bytesOut, framesIn, bytesIn, blocked, starved, connects, disconnects, corrupt, failures } = this;
    const frames = { framesOut, bytesOut, framesIn, bytesIn, blocked, starved };
    return { linkUp, ...frames, connects, disconnects, corrupt, failures, dropped: { ...this.dropped } };
  }
}
