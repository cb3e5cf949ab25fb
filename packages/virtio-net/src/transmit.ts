import { Frame, type FrameMemory, TxResult } from "@vmmkit/ethif";
import { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED, type Virtqueue } from "@vmmkit/virtio";
import type { PolledQueue } from "./adaptive-poll.ts";
import { type CardCore, ETHERNET_HEADER_BYTES } from "./card-core.ts";
import type { TransmitCounters, TransmitDrop } from "./counters.ts";
import { readNetHeaderAsks } from "./net-header.ts";
import { TransmitOffload } from "./offload/transmit-offload.ts";
import type { TransmitSlot } from "./transmit-slot.ts";
import { TransmitSlots } from "./transmit-slots.ts";

const COMPLETE = TxResult.Complete;
const FAILED = TxResult.Failed;
const EMPTY = QUEUE_EMPTY;
/** Where a queue has looked at no chain. */
const NO_MEMORY: FrameMemory = { bytes: new Uint8Array(0), gpa: 0, hostAddress: 0 };

/**
 * The transmit direction: chains that the guest made available become frames for the backend, without a copy, and
 * go back to the guest as the backend is done with them.
 *
 * Work is done in batches: notifications off, take what is there, flush, give back, one interrupt, notifications
 * on, and look once more. A batch ends after as many chains as the ring has; what is left waits for a later turn.
 */
export class Transmit implements PolledQueue {
  polled = false;
  readonly #core: CardCore;
  #queue: Virtqueue;
  readonly #counters: TransmitCounters;
  /** Number of the queue pair. */
  readonly #pair: number;
  readonly #slots: TransmitSlots;
  readonly #header = new Frame();
  readonly #offload: TransmitOffload;
  readonly #resume = (): void => this.#runLater();
  /** Counts what a loop that sends ahead must not go on after. */
  #events = 0;
  /** The slot of a loop that sends ahead, null where none does. */
  #plain: TransmitSlot | null = null;
  /** The first chain that it sent, and the one that the backend has: indices in the queue's `ahead`. */
  #plainFrom = 0;
  #plainNext = 0;
  /** Segments that the batch sent, beside its chains. */
  #segments = 0;
  #running = false;
  /** A frame's fate ends the batch: the guest reset the card, or moved the rings. */
  #cut = false;
  /** The loop that sends ahead saw that there is no chain any more. */
  #empty = false;
  /** A turn to go on has been asked for. */
  #waiting = false;
  /** The backend was handed a frame since it was last told to flush. */
  #unflushed = false;
  /** The backend holds every slot; the next `complete` goes on. */
  #blocked = false;

  constructor(core: CardCore, queue: Virtqueue, counters: TransmitCounters, pair = 0, pairs = 1) {
    this.#core = core;
    this.#pair = pair;
    this.#slots = new TransmitSlots(pair, pairs);
    this.#queue = queue;
    this.#counters = counters;
    this.#offload = new TransmitOffload(core);
  }

  /** The guest placed the queue. Until now nothing was taken from it. */
  attach(queue: Virtqueue): void {
    this.#queue = queue;
  }

  /** See `PolledQueue`. */
  waiting(): number {
    return this.#core.running && this.#queue.begin() ? this.#queue.available() : 0;
  }

  /** Sends what the guest has made available. */
  run(): void {
    const queue = this.#queue;
    // A backend may cause a notification of this very card (a hub, a guest that runs inside `rawTx`). The batch
    // under way will look once more before it rests.
    if (this.#running || !this.#core.running || !queue.begin()) return;
    this.#running = true;
    let rests = false;
    try {
      this.#sendAll();
      rests = true;
    } finally {
      this.#running = false;
      // The backend broke its contract and threw. Its error is the embedder's; the guest goes on.
      if (!rests) this.#recover();
    }
  }

  /**
   * The backend is done with a frame that it kept.
   * @throws RangeError for a cookie that is not out
   */
  complete(cookie: number): void {
    this.catchUp();
    const slot = this.#slots.of(cookie);
    if (slot === undefined || !slot.out) throw new RangeError(`"cookie" expected a frame that is out, got ${cookie}`);
    const current = slot.epoch === this.#slots.epoch && this.#queue.begin();
    if (this.#used(slot, current) && current && !this.#running) this.#giveBack();
    if (this.#blocked && !this.#running) {
      this.#blocked = false;
      this.run();
    }
  }

  /** The guest reset the card, or took the queue away. Frames that the backend still has become empty and nobody's. */
  reset(): void {
    this.#slots.epoch++;
    this.#events++;
    this.#plain = null;
    this.#blocked = false;
    this.polled = false;
    for (const slot of this.#slots.all) if (slot.out) slot.frame.clear();
  }

  /** The queue is about to be stopped: chains of frames that the backend still has go back at once. */
  giveUp(): void {
    this.catchUp();
    const queue = this.#queue;
    if (!queue.begin()) return;
    for (const slot of this.#slots.all) if (slot.out && slot.epoch === this.#slots.epoch) queue.addUsed(slot.head, 0);
    queue.publish();
  }

  /**
   * The first `count` chains were taken by the card before this one: they go back to the guest, and are not sent.
   * Whatever a guest makes of them meanwhile, each comes back once.
   */
  giveBackTaken(count: number): void {
    const queue = this.#queue;
    if (!queue.begin()) return;
    const body = new Frame();
    for (let left = count; left > 0; left--) {
      body.clear();
      const head = queue.pop(false, 0, this.#header, body);
      if (head >= 0) queue.addUsed(head, 0);
    }
    queue.publish();
  }

  /** The backend is gone: chains that it still had go back to the guest. Its frames are empty, and nobody's from now on. */
  abandon(): void {
    this.catchUp();
    const alive = this.#core.running && this.#queue.begin();
    for (const { out, whole, epoch, head } of this.#slots.all) {
      if (out && alive && whole === null && epoch === this.#slots.epoch) this.#queue.addUsed(head, 0);
    }
    this.#slots.abandon();
    this.#blocked = false;
    this.#unflushed = false;
    if (alive) this.#giveBack();
  }

  /** Guest memory changed. */
  rebind(): void {
    this.catchUp();
    for (const slot of this.#slots.all) if (slot.out) slot.rebind(this.#core.memory);
  }

  /** Batch by batch, until there is no more, the budget is used up, or the backend has all it can have. */
  #sendAll(): void {
    let budget = this.#queue.size;
    do {
      this.#queue.disableNotify();
      budget = this.#batch(budget);
      if (this.#full()) {
        this.#blocked = true;
        return;
      }
      if (budget === 0) {
        this.#later();
        return;
      }
    } while (this.polled ? this.#queue.available() > 0 : this.#queue.enableNotify());
    // Somebody looks here soon. Until then the guest is not to stand before a full ring.
    if (this.polled) this.#queue.notifyAfter(Math.max(1, this.#queue.size >> 2));
  }

  /** After a batch that was cut short: the guest gets back what it is due, and is heard again. */
  #recover(): void {
    if (this.#full()) this.#blocked = true;
    else if (this.#queue.enableNotify()) this.#later();
    this.#giveBack();
  }

  /** Takes and sends up to `budget` chains. Answers what is left of the budget: 0 where there may be more. */
  #batch(budget: number): number {
    const { funcs, driver } = this.#core;
    const queue = this.#queue;
    let left = budget;
    this.#cut = false;
    while (left > 0) {
      left = this.#sendPlain(left);
      if (left === 0 || this.#cut || this.#empty) break;
      const slot = this.#take();
      if (slot === null) break;
      const head = queue.pop(false, this.#core.headerBytes, this.#header, slot.frame);
      if (head < 0) this.#slots.release(slot);
      if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) break;
      left--;
      if (head === QUEUE_REFUSED) continue;
      slot.head = head;
      if (!this.#send(slot)) break;
      // Segments are work as well.
      left = Math.max(0, left - this.#segments);
      this.#segments = 0;
    }
    if (this.#unflushed) {
      this.#unflushed = false;
      if (funcs.rawTxFlush !== undefined) funcs.rawTxFlush(driver);
    }
    this.#giveBack();
    return left;
  }

  /**
   * Sends chains of the usual kind, as many as there are one behind the other. They ask for nothing, so between ring and
   * backend there is little more than one loop.
   * @returns what is left of the budget; `#cut` says whether the batch has to end, `#empty` that it may
   */
  #sendPlain(budget: number): number {
    const core = this.#core;
    const queue = this.#queue;
    const { ahead } = queue;
    let left = budget;
    let next = 0;
    this.#empty = false;
    if (core.ingress.steering.learning) return left;
    ahead.drop();
    while (left > 0 && !this.#cut && core.linkUp && !this.#full()) {
      if (next >= ahead.count) {
        const found = queue.lookAhead(false, core.headerBytes, left);
        this.#empty = found === EMPTY;
        if (found <= 0) break;
        next = 0;
      }
      const slot = this.#take();
      if (slot === null) break;
      const from = next;
      next = this.#sendAhead(slot, from);
      left -= next - from;
      // A guest on another processor may use its descriptors again while the next ones are sent. It is interrupted once.
      queue.publish();
    }
    return left;
  }

  /**
   * Sends chains that the queue has looked at. A frame that comes back at once leaves its slot to the next one, and only
   * what differs from frame to frame is written. The queue learns of them behind the last: until then all that may happen
   * while the backend has one calls `catchUp`.
   * @param from index of the first in `ahead`
   * @returns index behind the last that was sent or dropped
   */
  #sendAhead(slot: TransmitSlot, from: number): number {
    const core = this.#core;
    const { funcs, driver } = core;
    const { frame } = slot;
    const { cookie } = frame;
    const { count, words, bytes, offset, region } = this.#queue.ahead;
    const events = this.#events;
    // In locals, as the JIT would load and check the file's constants for each frame.
    const complete: TxResult = COMPLETE;
    const failed: TxResult = FAILED;
    const shortest = ETHERNET_HEADER_BYTES | 0;
    const longest = core.maxFrameBytes | 0;
    const memory: FrameMemory = region ?? NO_MEMORY;
    let result: TxResult = failed;
    let handed = false;
    let length = 0;
    let sentBytes = 0;
    let next = from | 0;
    this.#plain = slot;
    this.#plainFrom = from;
    frame.place(memory, 0, 1);
    try {
      for (; next < count; next++) {
        const at = words[((next << 2) + 2) | 0] as number;
        length = words[((next << 2) + 3) | 0] as number;
        if (length < shortest || length > longest) break;
        frame.placeAgain(offset + at, length);
        this.#plainNext = next;
        handed = true;
        result = failed;
        result = funcs.rawTx(driver, frame, cookie);
        // Memory that lost its bytes has to be found anew before the next frame.
        if (result !== complete || events !== this.#events || bytes.length === 0) break;
        handed = false;
        sentBytes += length;
      }
    } finally {
      this.#counters.frames += next - from;
      this.#counters.bytes += sentBytes;
      if (handed || next > from) this.#unflushed = true;
      const odd = !handed && next < count;
      if (this.#plain !== null) this.#tellQueue(slot, next, handed || odd);
      if (handed) this.#cut = !this.#settle(slot, result, length);
      else if (odd) this.#drop(slot, length < shortest ? "tooShort" : "tooLong");
      else this.#slots.release(slot);
      if (handed || odd) next++;
    }
    return next;
  }

  /**
   * What a loop that sends ahead has done so far becomes the queue's state: something else is about to happen to the
   * queue, or to the frame that the backend has.
   */
  catchUp(): void {
    if (this.#plain === null) return;
    this.#events++;
    this.#tellQueue(this.#plain, this.#plainNext, true);
  }

  /** @param takes whether the slot has chain `next` */
  #tellQueue(slot: TransmitSlot, next: number, takes: boolean): void {
    const queue = this.#queue;
    this.#plain = null;
    // Memory may have changed: the queue finds its rings again.
    queue.begin();
    const sent = next - this.#plainFrom;
    // A hostile guest's chain that cannot be taken after all stays where it is, and `pop` will say what is wrong with it.
    const all = queue.useAhead(this.#plainFrom, sent) === sent;
    if (takes) slot.head = all ? queue.takeAhead(next) : QUEUE_EMPTY;
  }

  /** Sends a frame or drops it. False where the batch has to end. */
  #send(slot: TransmitSlot): boolean {
    const bytes = slot.frame.totalBytes;
    if (bytes < ETHERNET_HEADER_BYTES) this.#drop(slot, "tooShort");
    else if (!this.#core.linkUp) this.#drop(slot, "linkDown");
    else {
      const { ingress } = this.#core;
      if (ingress.steering.learning) ingress.learn(slot.frame, bytes, this.#pair);
      const asks = this.#offload.asksOf(readNetHeaderAsks(this.#header));
      if (asks !== 0) return this.#sendOffload(slot, asks);
      if (bytes <= this.#core.maxFrameBytes) return this.#hand(slot);
      this.#drop(slot, "tooLong");
    }
    return true;
  }

  /** Sends a frame that leaves something to be done: to the backend, if it does that, otherwise here. */
  #sendOffload(slot: TransmitSlot, asks: number): boolean {
    const cause = this.#offload.take(slot.frame, this.#header, asks);
    if (cause !== null) this.#drop(slot, cause);
    else if (this.#offload.forBackend) return this.#hand(slot);
    else return this.#sendSegments(slot);
    return true;
  }

  /** Each segment goes to the backend under a cookie of its own; the chain goes back after the last. */
  #sendSegments(slot: TransmitSlot): boolean {
    let alive = true;
    slot.pending = 1;
    try {
      while (alive && this.#offload.step()) {
        const piece = this.#slots.take(slot);
        this.#offload.fill(piece.frame, piece.headerRoom());
        this.#segments++;
        alive = this.#hand(piece);
      }
    } finally {
      // The chain's own share of `pending`.
      this.#segmentDone(slot, this.#queue.begin());
    }
    return alive;
  }

  #hand(slot: TransmitSlot): boolean {
    const { funcs, driver } = this.#core;
    const bytes = slot.frame.totalBytes;
    let result: TxResult = TxResult.Failed;
    let goesOn = false;
    this.#unflushed = true;
    try {
      result = funcs.rawTx(driver, slot.frame, slot.frame.cookie);
    } finally {
      // Also where the backend broke its contract and threw: the chain is not lost.
      goesOn = this.#settle(slot, result, bytes);
    }
    return goesOn;
  }

  /** The backend answered for a frame, or threw. False where the batch has to end. */
  #settle(slot: TransmitSlot, result: TxResult, bytes: number): boolean {
    if (result === TxResult.Failed) this.#counters.dropped.failed++;
    else {
      this.#counters.frames++;
      this.#counters.bytes += bytes;
    }
    // A guest that ran inside `rawTx` may have reset the card or moved the rings.
    const alive = this.#queue.begin();
    if (result !== TxResult.Enqueued && slot.out) this.#used(slot, alive);
    return alive && this.#core.running && slot.epoch === this.#slots.epoch;
  }

  #drop(slot: TransmitSlot, cause: TransmitDrop): void {
    this.#counters.dropped[cause]++;
    this.#used(slot, true);
  }

  /** Nobody has the frame any more. True where its chain went back to the guest. */
  #used(slot: TransmitSlot, alive: boolean): boolean {
    const { whole } = slot;
    this.#slots.release(slot);
    if (whole !== null) return this.#segmentDone(whole, alive);
    if (!alive || slot.epoch !== this.#slots.epoch) return false;
    this.#queue.addUsed(slot.head, 0);
    return true;
  }

  #segmentDone(whole: TransmitSlot, alive: boolean): boolean {
    whole.pending--;
    return whole.pending === 0 && this.#used(whole, alive);
  }

  #giveBack(): void {
    this.#queue.publish();
    this.#core.interrupt(2 * this.#pair + 1);
  }

  /** Whether the backend has as many frames as the queue has entries. */
  #full(): boolean {
    return this.#slots.outCount >= this.#queue.size;
  }

  /** A free slot, marked as out, or null. */
  #take(): TransmitSlot | null {
    return this.#full() ? null : this.#slots.take(null);
  }

  #later(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#core.later(this.#resume);
  }

  #runLater(): void {
    this.#waiting = false;
    this.run();
  }
}
