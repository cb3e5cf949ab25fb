import type { Frame, TxResult } from "@vmmkit/ethif";
import { PortCounters, type PortStats } from "./port-counters.ts";

/** What a port needs of its hub. */
export interface HubCore {
  /** A frame comes in at a port. */
  receive(from: HubSide, frame: Frame): TxResult;
  /** A port has something to give out at the next `flush`. */
  mark(side: HubSide): void;
  /** All marked ports give out what they have. */
  flush(): void;
  /** Whoever listens is shown a frame that went out to a port. */
  sent(side: HubSide, frame: Frame, lengthBytes: number): void;
  /** A port has gone. */
  remove(side: HubSide): void;
}

/** One port as its hub sees it, whatever is connected there. */
export abstract class HubSide {
  readonly name: string;
  readonly counters: PortCounters = new PortCounters();
  /** The port's number in the table of stations. */
  id = -1;
  open = true;
  linkUp: boolean;
  /** Whether the port is among those that `flush` will look at, and which comes after it. */
  marked = false;
  nextMarked: HubSide | null = null;
  protected readonly hub: HubCore;

  constructor(hub: HubCore, name: string, linkUp: boolean) {
    this.hub = hub;
    this.name = name;
    this.linkUp = linkUp;
  }

  /** Takes a frame on its way out, or answers false where there is no room for it. */
  abstract accept(frame: Frame): boolean;

  /** Whether what was accepted has to go out before more is. */
  abstract get full(): boolean;

  /** Gives out what was accepted. True where there is more that may go at once. */
  abstract release(): boolean;

  /** Takes the port out of the hub. A second call does nothing. */
  abstract close(): void;

  /** The counters as they are now. */
  stats(): PortStats {
    return this.counters.snapshot(this.name, this.open && this.linkUp);
  }

  /** Counts a frame that went out and shows it to whoever listens. */
  protected countOut(frame: Frame, lengthBytes: number): void {
    this.counters.framesOut++;
    this.counters.bytesOut += lengthBytes;
    this.hub.sent(this, frame, lengthBytes);
  }
}
