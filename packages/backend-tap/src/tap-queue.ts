import { type EthDriver, type Frame, TxResult } from "@vmmkit/ethif";
import { type Fd, type IoRing, type Poller, Ready, type Watch } from "@vmmkit/posix";
import type { TapCounters } from "./counters.ts";
import { Receive, Stopped } from "./receive.ts";
import { Transmit } from "./transmit.ts";

/** How long reading rests after an error that nobody knows, in milliseconds. */
const REST_MS = 100;

/** What a queue needs of its card. */
export interface TapQueueOwner {
  readonly counters: TapCounters;
  readonly poller: Poller;
  readonly headerBytes: number;
  readonly queueFrames: number;
  readonly batchFrames: number;
  /** For many frames in a system call. Null: each has one of its own. */
  readonly ring: IoRing | null;
  /** Whether frames may be read and written: the interface is there, and the backend was not closed. */
  isOpen(): boolean;
  /** The kernel says that something is wrong: it is to be looked what, but not in the middle of this call. */
  trouble(): void;
  /** The descriptor reports an error: it is to be looked at once. */
  failed(): void;
}

/** One queue pair: a descriptor, its two directions, and what is waited for. */
export class TapQueue {
  readonly #fd: Fd;
  readonly #owner: TapQueueOwner;
  readonly #transmit: Transmit;
  readonly #receive: Receive;
  readonly #isOpen = (): boolean => this.#active && this.#owner.isOpen();
  #driver: EthDriver | null = null;
  #watch: Watch | null = null;
  #rest: NodeJS.Timeout | null = null;
  /** The guest has no room: there is no use in waiting for frames. */
  #starved = false;
  /** The guest uses it. */
  #active: boolean;

  /** @param number which queue pair it is; the first is in use from the start */
  constructor(fd: Fd, number: number, owner: TapQueueOwner) {
    const { headerBytes, counters, queueFrames, batchFrames, ring } = owner;
    this.#fd = fd;
    this.#owner = owner;
    this.#active = number === 0;
    this.#transmit = new Transmit(fd, headerBytes, counters, queueFrames, () => owner.trouble(), ring);
    this.#receive = new Receive(fd, number, headerBytes, counters, batchFrames, ring);
  }

  /** How many frames wait for the kernel. */
  get waiting(): number {
    return this.#transmit.waiting;
  }

  /** Whether the guest uses it. */
  get active(): boolean {
    return this.#active;
  }

  /** A card is there. */
  start(driver: EthDriver): void {
    this.#driver = driver;
    this.#watch = this.#owner.poller.watch(this.#fd, 0, (ready) => this.#onReady(ready));
    this.wait();
  }

  /** The guest begins or stops to use it. What it had of frames is given back. */
  setActive(active: boolean): void {
    if (active === this.#active) return;
    this.#active = active;
    this.#starved = false;
    const { counters } = this.#owner;
    if (!active) counters.closed += this.drop();
    if (!active) counters.noRoom += this.#receive.drop();
    this.wait();
  }

  /** See `Receive.setLimits`. */
  setLimits(mtu: number, segments: boolean): void {
    this.#receive.setLimits(mtu, segments);
  }

  /** `rawTx`. The interface is there. */
  send(frame: Frame): TxResult {
    if (this.#driver === null) return TxResult.Failed;
    const result = this.#transmit.send(this.#driver, frame);
    if (this.#transmit.stalled) this.wait();
    return result;
  }

  /** `rawTxFlush`. */
  flush(): void {
    if (this.#driver === null || this.#transmit.waiting === 0 || !this.#isOpen()) return;
    this.#transmit.flush(this.#driver);
    if (this.#transmit.stalled) this.wait();
  }

  /** `rawPoll`: the guest has posted room. */
  poll(): void {
    this.#starved = false;
    this.#look();
  }

  /** Gives all frames that wait for the kernel back to the guest unsent. Answers how many those were. */
  drop(): number {
    return this.#driver === null ? 0 : this.#transmit.drop(this.#driver);
  }

  /** Stops to wait: the descriptor is another interface's from now on, which is waited for with the next `wait`. */
  pause(): void {
    this.#watch?.setEvents(0);
  }

  /** Says what is waited for now. */
  wait(): void {
    const watch = this.#watch;
    if (watch === null || watch.closed) return;
    const reading = !this.#starved && this.#rest === null;
    const writing = this.#transmit.stalled;
    const wanted = (reading ? Ready.Read : 0) | (writing ? Ready.Write : 0);
    watch.setEvents(this.#isOpen() ? wanted : 0);
  }

  close(): void {
    const { counters } = this.#owner;
    counters.closed += this.drop();
    counters.noRoom += this.#receive.drop();
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#watch?.close();
    this.#transmit.release();
    this.#receive.release();
  }

  #onReady(ready: number): void {
    if ((ready & (Ready.Error | Ready.HangUp)) !== 0) this.#owner.failed();
    if (this.#driver === null || !this.#isOpen()) return;
    if ((ready & Ready.Write) !== 0) this.#transmit.resume(this.#driver, this.#owner.batchFrames);
    if ((ready & Ready.Read) !== 0) this.#look(true);
    else this.wait();
  }

  /** Gives the guest what there is for it. */
  #look(ready = false): void {
    if (this.#driver === null || !this.#isOpen()) return;
    const stopped = this.#receive.run(this.#driver, this.#isOpen, ready);
    if (stopped === Stopped.Nested || !this.#isOpen()) return;
    this.#starved = stopped === Stopped.NoRoom;
    if (stopped === Stopped.Trouble) {
      this.#owner.trouble();
      this.#rest ??= setTimeout(() => this.#wake(), REST_MS).unref();
    }
    this.wait();
  }

  #wake(): void {
    this.#rest = null;
    this.#look();
  }
}
