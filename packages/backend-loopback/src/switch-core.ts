import { type Frame, readFrame, TxResult } from "@vmmkit/ethif";
import { Burst } from "./burst.ts";
import { type Defer, ROUNDS_PER_TURN } from "./defer.ts";
import type { HubCore, HubSide } from "./hub-side.ts";
import { HEADER_BYTES, type LengthLimits } from "./link.ts";
import type { MacTable } from "./mac-table.ts";
import type { TapDirection, TapList } from "./tap-list.ts";

/** Destination and source address, at the start of each frame. */
const ADDRESS_BYTES = 12;

/** A frame that goes to more ports than this waits for the end of its burst. */
const FEW_PORTS = 4;

/** In the first two bytes of an address: it names a group. */
const GROUP_BIT = 0x100;

/** The forwarding part of a hub: from which port to which. */
export class SwitchCore implements HubCore {
  readonly #limits: LengthLimits;
  readonly #table: MacTable;
  readonly #taps: TapList;
  readonly #defer: Defer;
  readonly #byId: (HubSide | undefined)[] = [];
  /** Replaced as a whole when ports come and go, so a loop over it is never disturbed. */
  #sides: readonly HubSide[] = [];
  /** For frames whose addresses lie in more than one range. */
  readonly #addresses: Uint8Array = new Uint8Array(ADDRESS_BYTES);
  #firstMarked: HubSide | null = null;
  #lastMarked: HubSide | null = null;
  #flushing = false;
  /**
   * Frames that go to many ports, and whatever comes behind them, until the burst that they came in is over. Each port
   * then takes all of them at once: with each frame to each port in turn, what the ports' guests and cards have would
   * have to be fetched anew for every copy, as it is more than a processor has at hand.
   */
  #burst: Burst | null = null;
  /** The one that is being given out, and later takes the place of the other. */
  #going: Burst | null = null;
  #draining = false;
  /** Whether frames wait for the end of a burst, or are being given out. */
  #waiting = false;

  constructor(limits: LengthLimits, table: MacTable, taps: TapList, defer: Defer) {
    this.#limits = limits;
    this.#table = table;
    this.#taps = taps;
    this.#defer = defer;
  }

  /** The ports there are. */
  get sides(): readonly HubSide[] {
    return this.#sides;
  }

  /** Adds a port under the lowest free number. */
  add(side: HubSide): void {
    const free = this.#byId.indexOf(undefined);
    side.id = free < 0 ? this.#byId.length : free;
    this.#byId[side.id] = side;
    this.#sides = [...this.#sides, side];
  }

  remove(side: HubSide): void {
    this.#byId[side.id] = undefined;
    this.#sides = this.#sides.filter((other) => other !== side);
    this.#table.forget(side.id);
  }

  receive(from: HubSide, frame: Frame): TxResult {
    const counters = from.counters;
    const length = frame.totalBytes;
    if (!from.open) counters.closed++;
    else if (!from.linkUp) counters.linkDown++;
    else if (length < HEADER_BYTES) counters.tooShort++;
    else if (this.#limits.exceeded(frame)) counters.tooLong++;
    else {
      counters.framesIn++;
      counters.bytesIn += length;
      if (this.#taps.listening) this.#show(frame, length, from, "in");
      this.#forward(from, frame);
      return TxResult.Complete;
    }
    return TxResult.Failed;
  }

  sent(side: HubSide, frame: Frame, lengthBytes: number): void {
    if (this.#taps.listening) this.#show(frame, lengthBytes, side, "out");
  }

  mark(side: HubSide): void {
    if (side.marked) return;
    side.marked = true;
    if (this.#lastMarked === null) this.#firstMarked = side;
    else this.#lastMarked.nextMarked = side;
    this.#lastMarked = side;
  }

  /**
   * Lets the marked ports give out what they have, in turn. A guest that answers from within its interrupt marks
   * ports again and returns to here, however many ports the answer crosses: the stack does not grow. What is left
   * after a fair number of rounds waits for a later turn of the event loop.
   */
  flush(): void {
    if (this.#flushing) return;
    let rounds = ROUNDS_PER_TURN + this.#sides.length;
    do {
      this.#drain();
      rounds = this.#releaseMarked(rounds);
    } while (rounds > 0 && this.#waiting && !this.#draining);
    if (this.#firstMarked !== null || (this.#waiting && !this.#draining)) this.#defer(() => this.flush());
  }

  /** Answers what is left of the rounds: 0 where there may be more. */
  #releaseMarked(most: number): number {
    let rounds = most;
    this.#flushing = true;
    try {
      for (let side = this.#unmark(); side !== null; side = this.#unmark()) {
        if (side.release()) this.mark(side);
        if (--rounds === 0) break;
      }
    } finally {
      this.#flushing = false;
    }
    return rounds;
  }

  #unmark(): HubSide | null {
    const side = this.#firstMarked;
    if (side === null) return null;
    this.#firstMarked = side.nextMarked;
    if (this.#firstMarked === null) this.#lastMarked = null;
    side.nextMarked = null;
    side.marked = false;
    return side;
  }

  /** Each byte that decides is read once: the guest may be changing the frame. */
  #forward(from: HubSide, frame: Frame): void {
    let bytes = frame.firstBytes;
    let at = frame.firstOffset;
    if (frame.firstLength < ADDRESS_BYTES) {
      bytes = this.#addresses;
      at = 0;
      readFrame(frame, bytes);
    }
    const high = high16(bytes, at);
    const low = low32(bytes, at + 2);
    const sourceHigh = high16(bytes, at + 6);
    // A group cannot have sent it. What claims so is carried, but nothing is learned from it.
    if ((sourceHigh & GROUP_BIT) === 0) this.#table.learn(sourceHigh, low32(bytes, at + 8), from.id);
    const id = (high & GROUP_BIT) === 0 ? this.#table.lookup(high, low) : -1;
    const to = id < 0 ? undefined : this.#byId[id];
    if (to === undefined) this.#flood(from, frame);
    else if (to === from) from.counters.filtered++;
    else if (this.#waiting) this.#wait(from, frame, to);
    else this.#give(to, frame);
  }

  /** A frame waits for the end of the burst. */
  #wait(from: HubSide, frame: Frame, to: HubSide | null): void {
    // Guests that answer from within their interrupts may fill it while the one before is being given out.
    if (!this.#add(from, frame, to)) {
      this.#drain();
      if (!this.#add(from, frame, to)) this.#lose(from, to);
    }
    this.#waiting = true;
  }

  #add(from: HubSide, frame: Frame, to: HubSide | null): boolean {
    this.#burst ??= new Burst();
    return this.#burst.add(from, frame, to);
  }

  #lose(from: HubSide, to: HubSide | null): void {
    for (const side of this.#sides) if (to === null ? side !== from : side === to) side.counters.noBuffers++;
  }

  /** Frames that waited go out, port by port. Those that come meanwhile follow. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let burst = this.#burst; burst !== null && burst.count > 0; burst = this.#burst) {
        this.#burst = this.#going;
        this.#going = burst;
        this.#giveAll(burst);
      }
    } finally {
      this.#draining = false;
      this.#waiting = false;
    }
  }

  #giveAll(burst: Burst): void {
    try {
      for (const side of this.#sides) this.#giveBurst(side, burst);
    } finally {
      burst.clear();
    }
  }

  #giveBurst(side: HubSide, burst: Burst): void {
    for (let i = 0; i < burst.count; i++) {
      const frame = burst.frameFor(side, i);
      if (frame !== null) this.#give(side, frame);
    }
  }

  #flood(from: HubSide, frame: Frame): void {
    from.counters.flooded++;
    const sides = this.#sides;
    if (sides.length > FEW_PORTS || this.#waiting) {
      this.#wait(from, frame, null);
      return;
    }
    for (let i = 0; i < sides.length; i++) {
      const side = sides[i];
      if (side !== undefined && side !== from) this.#give(side, frame);
    }
  }

  #give(to: HubSide, frame: Frame): void {
    if (!to.open) to.counters.closed++;
    else if (!to.linkUp) to.counters.linkDown++;
    else if (!to.accept(frame)) to.counters.noBuffers++;
    else {
      this.mark(to);
      if (to.full) this.flush();
    }
  }

  #show(frame: Frame, lengthBytes: number, side: HubSide, direction: TapDirection): void {
    this.#taps.show(frame, lengthBytes, side.name, direction);
  }
}

function high16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function low32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}
