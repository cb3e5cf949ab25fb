import type { Frame, MacAddress } from "@vmmkit/ethif";
import { type Defer, ROUNDS_PER_TURN } from "./defer.ts";
import { EndState, type FrameChannel } from "./frame-channel.ts";
import { type HubCore, HubSide } from "./hub-side.ts";

/** Frames put into the channel before the other side gets to see them. */
const BATCH_FRAMES = 64;

/** Frames taken from a channel before other ports have their turn. */
const FRAMES_PER_ROUND = 64;

/** A hub's port with a frame channel: the card is on another thread. The channel itself is the port's buffer. */
export class ChannelPort extends HubSide {
  readonly mac: MacAddress;
  readonly #end: FrameChannel;
  readonly #defer: Defer;
  readonly #onClose: () => void;
  #unflushed = 0;
  #looking = false;

  /** @param onClose called once, when the port has left the hub */
  constructor(hub: HubCore, name: string, mac: MacAddress, end: FrameChannel, defer: Defer, onClose: () => void) {
    super(hub, name, true);
    this.mac = mac;
    this.#end = end;
    this.#defer = defer;
    this.#onClose = onClose;
    end.listen(() => this.look());
    // Frames may be there already, whose doorbell was rung when nobody listened.
    defer(() => this.look());
  }

  override get full(): boolean {
    return this.#unflushed >= BATCH_FRAMES;
  }

  override accept(frame: Frame): boolean {
    if (!this.#end.put(frame)) return false;
    this.#unflushed++;
    this.countOut(frame, frame.totalBytes);
    return true;
  }

  override release(): boolean {
    this.#unflushed = 0;
    if (this.open) this.#end.flush();
    return false;
  }

  /** Takes the frames that are there, and asks to be woken for more. */
  look(): void {
    if (this.#looking || !this.open) return;
    this.#looking = true;
    let rounds = ROUNDS_PER_TURN;
    try {
      while (this.#lookOnce() && --rounds > 0);
    } finally {
      this.#looking = false;
    }
    if (rounds === 0) this.#defer(() => this.look());
  }

  /** The carrier comes or goes; the other side's guest is told. */
  setLink(up: boolean): void {
    if (!this.open || this.linkUp === up) return;
    this.linkUp = up;
    this.#end.setLink(up);
  }

  override close(): void {
    if (!this.open) return;
    this.open = false;
    this.hub.remove(this);
    this.#end.close();
    this.#onClose();
  }

  /** True where there is more. */
  #lookOnce(): boolean {
    // Asked before the ring is read: what a side left that is gone by then is read first.
    const peer = this.#end.peer;
    let left = FRAMES_PER_ROUND;
    for (let frame = this.#end.peek(); frame !== null; frame = this.#end.peek()) {
      this.hub.receive(this, frame);
      this.#end.consume();
      if (--left === 0) break;
    }
    this.#end.release();
    this.hub.flush();
    if (!this.open) return false;
    if (left === 0 || !this.#end.rest()) return true;
    if (this.#end.corrupt) this.counters.corrupt++;
    if (this.#end.corrupt || peer === EndState.Closed) this.close();
    return false;
  }
}
