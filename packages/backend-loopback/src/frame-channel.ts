import type { Frame } from "@vmmkit/ethif";
import { checkInteger, checkPowerOf2 } from "./link.ts";
import { MAX_RING_BYTES, MIN_RING_BYTES, RING_HEADER_BYTES, type RingPlace } from "./ring-layout.ts";
import { RingReader } from "./ring-reader.ts";
import { RingWriter } from "./ring-writer.ts";

/*
 * The memory of a channel: a header of 64 bytes, the headers of the two rings, their data. Ring 0 is written by
 * side 0, ring 1 by side 1.
 */
const MAGIC = 0x6366_6d76;
const HEADER_BYTES = 64;
const HEADER_WORDS = HEADER_BYTES / 4;
/** Words of the header: what it is, bytes per ring, state of each side (`EndState`). */
const MAGIC_WORD = 0;
const CAPACITY_WORD = 1;
const STATE_WORD = 2;

/** What one side tells the other about itself. */
export const EndState = {
  /** Carries frames, or will when it is opened. */
  Up: 0,
  /** Its link is down for now. */
  Down: 1,
  /** Gone for good. */
  Closed: 2,
} as const;
export type EndState = (typeof EndState)[keyof typeof EndState];

/**
 * How one thread gets another to look: half of a `MessageChannel`, in Node (`node:worker_threads`) or in a browser.
 * Messages carry nothing. A message that others send over the same port does no harm.
 */
export interface Doorbell {
  postMessage(message: number): void;
  addEventListener(type: "message" | "close", listener: () => void): void;
  removeEventListener(type: "message" | "close", listener: () => void): void;
  start?(): void;
  close?(): void;
}

/** What one end of a channel is made of. */
export interface FrameChannelInit {
  /** From `frameChannelMemory`, the same for both ends. */
  readonly memory: SharedArrayBuffer;
  /** Which end this is: one is 0, the other 1. */
  readonly side: 0 | 1;
  /** This end's half of a message channel. The end takes it over: `close` closes it. */
  readonly doorbell: Doorbell;
}

/**
 * Memory for a frame channel between two threads.
 * @param capacityBytes how much is under way each way at most: a power of two from 262144 to 1073741824
 * @throws RangeError for another capacity
 */
export function frameChannelMemory(capacityBytes = 0x20_0000): SharedArrayBuffer {
  checkPowerOf2("capacityBytes", capacityBytes, MIN_RING_BYTES, MAX_RING_BYTES);
  const memory = new SharedArrayBuffer(HEADER_BYTES + 2 * (RING_HEADER_BYTES + capacityBytes));
  const header = new Int32Array(memory, 0, HEADER_WORDS);
  header[MAGIC_WORD] = MAGIC;
  header[CAPACITY_WORD] = capacityBytes;
  return memory;
}

/**
 * One end of a duplex link for frames between two threads: two byte rings in shared memory (see ring-layout.ts)
 * and a doorbell, rung only for an end that rests. Given to `channelBackend` or to `Hub.join`, which do all the
 * rest.
 */
export class FrameChannel {
  readonly #header: Int32Array;
  readonly #side: number;
  readonly #doorbell: Doorbell;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  #look: (() => void) | null = null;
  #closed = false;
  #peerGone = false;

  /** @throws TypeError, RangeError where `memory` or `side` is not what it should be */
  constructor(init: FrameChannelInit) {
    this.#side = checkInteger("side", init.side, 0, 1);
    this.#header = checkedHeader(init.memory);
    this.#doorbell = init.doorbell;
    const capacity = this.#header[CAPACITY_WORD] ?? 0;
    this.#writer = new RingWriter(ring(init.memory, this.#side, capacity));
    this.#reader = new RingReader(ring(init.memory, 1 - this.#side, capacity));
  }

  /**
   * Says who is to be called when there is something to look for.
   * @throws Error where the end is in use already
   */
  listen(look: () => void): void {
    if (this.#look !== null || this.#closed) throw new Error('"end" expected an end that nobody uses or has closed');
    this.#look = look;
    this.#doorbell.addEventListener("message", this.#onMessage);
    this.#doorbell.addEventListener("close", this.#onClose);
    this.#doorbell.start?.();
  }

  /** What the other side says of itself. */
  get peer(): EndState {
    if (this.#peerGone) return EndState.Closed;
    const state = Atomics.load(this.#header, STATE_WORD + 1 - this.#side);
    return state === EndState.Up || state === EndState.Down ? state : EndState.Closed;
  }

  /** Whether the other side wrote something impossible. No frames come any more. */
  get corrupt(): boolean {
    return this.#reader.corrupt || this.#writer.corrupt;
  }

  /** Copies a frame into the ring; the other side sees it after `flush`. False where there is no space. */
  put(frame: Frame): boolean {
    return this.#writer.put(frame);
  }

  /**
   * Lets the other side see what was put, and asks it to ring when it has made space.
   * @returns true where there is space for a frame of `lengthBytes` already
   */
  askForSpace(lengthBytes: number): boolean {
    this.flush();
    return this.#writer.askForSpace(lengthBytes);
  }

  /** Lets the other side see all frames put so far. */
  flush(): void {
    if (this.#writer.publish()) this.#ring();
  }

  /** The oldest frame from the other side, in the ring's own bytes, or null. */
  peek(): Frame | null {
    return this.#reader.peek();
  }

  /** Done with the frame that `peek` answered. */
  consume(): void {
    this.#reader.consume();
  }

  /** Gives the space of consumed frames back to the other side. */
  release(): void {
    if (this.#reader.release()) this.#ring();
  }

  /** Asks to be rung at the next frame. False where there is one already, and nobody will ring. */
  rest(): boolean {
    return this.#reader.sleep();
  }

  /** Tells the other side whether the link is up here. */
  setLink(up: boolean): void {
    if (this.#closed) return;
    Atomics.store(this.#header, STATE_WORD + this.#side, up ? EndState.Up : EndState.Down);
    this.#ring();
  }

  /** Ends the link. The other side still reads what is in its ring, then sees its carrier go. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    Atomics.store(this.#header, STATE_WORD + this.#side, EndState.Closed);
    this.#ring();
    this.#closed = true;
    this.#doorbell.removeEventListener("message", this.#onMessage);
    this.#doorbell.removeEventListener("close", this.#onClose);
    this.#doorbell.close?.();
  }

  readonly #onMessage = (): void => {
    this.#look?.();
  };

  /** The other thread has ended, perhaps without a word. */
  readonly #onClose = (): void => {
    this.#peerGone = true;
    this.#look?.();
  };

  #ring(): void {
    if (!this.#closed) this.#doorbell.postMessage(0);
  }
}

function ring(memory: SharedArrayBuffer, side: number, capacity: number): RingPlace {
  const headerOffset = HEADER_BYTES + side * RING_HEADER_BYTES;
  const dataOffset = HEADER_BYTES + 2 * RING_HEADER_BYTES + side * capacity;
  return { memory, headerOffset, dataOffset, capacity };
}

function checkedHeader(memory: SharedArrayBuffer): Int32Array {
  if (!(memory instanceof SharedArrayBuffer) || memory.byteLength < HEADER_BYTES) {
    throw new TypeError('"memory" expected a SharedArrayBuffer from frameChannelMemory');
  }
  const header = new Int32Array(memory, 0, HEADER_WORDS);
  const capacity = header[CAPACITY_WORD] ?? 0;
  if (header[MAGIC_WORD] !== MAGIC || memory.byteLength !== HEADER_BYTES + 2 * (RING_HEADER_BYTES + capacity)) {
    throw new TypeError('"memory" expected a SharedArrayBuffer from frameChannelMemory, got another one');
  }
  return header;
}
