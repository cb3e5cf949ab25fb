import { type EthDriver, type Frame, formatMac, type LinkInfo, TxResult } from "@vmmkit/ethif";
import { Ready, type Watch } from "@vmmkit/posix";
import { Delivery } from "../delivery.ts";
import { longestFrame } from "../link.ts";
import { type InterfaceState, InterfaceWatch } from "./interface-watch.ts";
import { LiveCounters, type LiveStats } from "./live-counters.ts";
import { LiveCaptureError } from "./live-error.ts";
import { LiveHandle } from "./live-handle.ts";
import { type CheckedOptions, cardLink } from "./live-options.ts";
import { LiveReceive, Stopped } from "./live-receive.ts";
import { LiveTransmit } from "./live-transmit.ts";

/** Frames that one interrupt stands for at most, and that are read before others have their turn. */
const BATCH_FRAMES = 64;
/** How long an interface that libpcap failed on is left alone, in milliseconds. */
const RETRY_MS = 500;

/** A card on an interface of the host. */
export class LiveCard {
  readonly mac: LinkInfo["mac"];
  readonly #options: CheckedOptions;
  readonly #counters: LiveCounters = new LiveCounters();
  readonly #delivery: Delivery = new Delivery(BATCH_FRAMES);
  readonly #receive: LiveReceive = new LiveReceive(this.#delivery, this.#counters);
  readonly #transmit: LiveTransmit;
  readonly #interface: InterfaceWatch;
  readonly #mtu: number;
  #filter: string;
  #index: number;
  /** Null while there is no such interface, or it is down since before it was opened. */
  #handle: LiveHandle | null;
  #watch: Watch | null = null;
  #retry: NodeJS.Timeout | null = null;
  #linkUp: boolean;
  /** The guest has no room: there is no use in waiting for frames. */
  #starved = false;
  #reading = false;
  #again = false;
  #closed = false;

  /** @throws LiveCaptureError, PosixError, UnsupportedPlatformError */
  constructor(options: CheckedOptions) {
    this.#options = options;
    this.mac = options.mac;
    this.#filter = options.filter;
    this.#transmit = new LiveTransmit(this.#counters, options.queueFrames);
    this.#interface = new InterfaceWatch(options.interface, options.poller, () => this.#follow());
    try {
      const state = this.#interface.state();
      if (state === null) throw new LiveCaptureError(options.interface, "there is none of that name");
      this.#mtu = state.mtu;
      this.#index = state.index;
      this.#linkUp = state.running;
      this.#handle = new LiveHandle(options, state.mtu);
      this.#receive.longest = longestFrame({ mac: this.mac, mtu: state.mtu });
    } catch (error) {
      this.#interface.close();
      throw error;
    }
  }

  init(driver: EthDriver): LinkInfo {
    if (this.#closed) throw new Error(`the backend of interface "${this.#options.interface}" is closed`);
    this.#delivery.attach(driver);
    this.#wait();
    return cardLink(this.mac, this.#mtu, this.#linkUp);
  }

  transmit(frame: Frame): TxResult {
    const handle = this.#handle;
    if (handle === null) {
      this.#counters.dropped[this.#closed ? "closed" : "down"]++;
      return TxResult.Failed;
    }
    const result = this.#transmit.send(handle.fd, frame);
    if (result === TxResult.Enqueued) this.#wait();
    return result;
  }

  /** `rawPoll`: the guest has posted room. */
  poll(): void {
    this.#starved = false;
    this.#look();
  }

  /** See `LiveBackend.setFilter`. */
  setFilter(filter: string): void {
    this.#handle?.setFilter(filter);
    this.#filter = filter;
  }

  stats(): LiveStats {
    return this.#counters.snapshot(this.#handle?.kernelDrops() ?? 0);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#closeHandle("closed");
    this.#interface.close();
    this.#transmit.release();
  }

  describe(): string {
    const { framesOut, framesIn, problem } = this.#counters;
    const state = this.#closed ? "closed" : this.#handle === null ? "gone" : this.#linkUp ? "link up" : "link down";
    const frames = `${framesOut} frames out, ${framesIn} in, ${this.#transmit.waiting} waiting`;
    const trouble = problem === null ? "" : `; ${problem}`;
    return `libpcap ${this.#options.interface} ${formatMac(this.mac)} mtu ${this.#mtu}: ${state}, ${frames}${trouble}`;
  }

  #onReady(ready: number): void {
    const { driver } = this.#delivery;
    const handle = this.#handle;
    if (driver === null || handle === null) return;
    if ((ready & Ready.Write) !== 0) this.#transmit.resume(handle.fd, driver);
    // Errors are libpcap's to take: it reads them off the socket.
    if ((ready & ~Ready.Write) !== 0) this.#look();
    else this.#wait();
  }

  /** Gives the guest what there is for it. Called from within itself (by the guest's interrupt) it looks once more. */
  #look(): void {
    this.#again = true;
    if (this.#reading || this.#delivery.driver === null) return;
    this.#reading = true;
    try {
      for (let left = 2; this.#again && left > 0; left--) {
        this.#again = false;
        this.#fill();
        this.#delivery.send();
      }
    } finally {
      this.#reading = false;
    }
    // What the handle keeps for want of room does not show in the socket.
    if (this.#again) setImmediate(() => this.#look());
    this.#wait();
  }

  #fill(): void {
    const handle = this.#handle;
    if (handle === null) return;
    const stopped = this.#receive.fill(handle);
    this.#starved = stopped === Stopped.NoRoom;
    if (stopped === Stopped.Trouble) this.#fail(handle.problem());
  }

  /** Says what is waited for now. */
  #wait(): void {
    const handle = this.#handle;
    if (handle === null || this.#delivery.driver === null) return;
    this.#watch ??= this.#options.poller.watch(handle.fd, 0, (ready) => this.#onReady(ready));
    this.#watch.setEvents((this.#starved ? 0 : Ready.Read) | (this.#transmit.waiting > 0 ? Ready.Write : 0));
  }

  #fail(problem: string): void {
    this.#counters.problem = problem;
    this.#lose();
    this.#retry ??= setTimeout(() => {
      this.#retry = null;
      this.#follow();
    }, RETRY_MS).unref();
  }

  #lose(): void {
    this.#counters.lost++;
    this.#closeHandle("down");
  }

  #closeHandle(cause: "down" | "closed"): void {
    const handle = this.#handle;
    if (handle === null) return;
    this.#handle = null;
    this.#watch = null;
    this.#counters.dropped.kernel += handle.kernelDrops();
    handle.close();
    this.#receive.forget();
    const { driver } = this.#delivery;
    if (driver !== null) this.#transmit.drop(driver, cause);
  }

  /** The interface may have changed. */
  #follow(): void {
    if (this.#closed) return;
    const state = this.#interface.state();
    if (this.#handle !== null && state?.index !== this.#index) this.#lose();
    if (this.#handle === null && state?.up && this.#retry === null) this.#reopen(state);
    const up = this.#handle !== null && state?.running === true;
    const { driver } = this.#delivery;
    if (!up && driver !== null) this.#transmit.drop(driver, "down");
    this.#wait();
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    driver?.callbacks.linkChange(up);
  }

  #reopen(state: InterfaceState): void {
    try {
      this.#handle = new LiveHandle({ ...this.#options, filter: this.#filter }, this.#mtu);
      this.#index = state.index;
      this.#counters.recovered++;
    } catch (error) {
      // It may have gone again, or be none that frames can be sent to any more. The kernel says when it changes.
      this.#counters.problem = error instanceof Error ? error.message : String(error);
    }
  }
}
