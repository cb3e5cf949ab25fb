import {
  type EthDriver,
  type Frame,
  formatMac,
  type LinkInfo,
  type MacAddress,
  Offload,
  TxResult,
} from "@vmmkit/ethif";
import { Ready, type Watch } from "@vmmkit/posix";
import { TapCounters } from "./counters.ts";
import { LinkMonitor } from "./link-monitor.ts";
import { takenOffloads } from "./offloads.ts";
import { configure, openTap } from "./open-tap.ts";
import type { CheckedOptions } from "./options.ts";
import { Receive, Stopped } from "./receive.ts";
import type { TapDevice } from "./tap-device.ts";
import { Transmit } from "./transmit.ts";

/** How long reading rests after an error that nobody knows, in milliseconds. */
const REST_MS = 100;

/** Kinds of frames longer than the MTU. */
const SEGMENTS: number = Offload.Tso4 | Offload.Tso6 | Offload.Ufo | Offload.Uso;

/** A card on a TAP interface: its two directions, its link, and what is waited for. */
export class TapCard {
  readonly counters: TapCounters = new TapCounters();
  readonly mac: MacAddress;
  readonly #device: TapDevice;
  readonly #options: CheckedOptions;
  /** The interface was made here, and is to be up when it is made again. */
  readonly #made: boolean;
  readonly #monitor: LinkMonitor;
  readonly #transmit: Transmit;
  readonly #receive: Receive;
  readonly #isOpen = (): boolean => !this.#closed && this.#monitor.present;
  #driver: EthDriver | null = null;
  #watch: Watch | null = null;
  #rest: NodeJS.Timeout | null = null;
  #troubled = false;
  /** The guest has no room: there is no use in waiting for frames. */
  #starved = false;
  #present = true;
  #returns = 0;
  #linkUp: boolean;
  #closed = false;

  /** @throws PosixError, TypeError */
  constructor(options: CheckedOptions) {
    const { device, control, made } = openTap(options);
    this.#options = options;
    this.#device = device;
    this.#made = made;
    this.mac = options.mac;
    this.#transmit = new Transmit(device, this.counters, options.queueFrames, () => this.#trouble());
    this.#receive = new Receive(device, this.counters, options.batchFrames);
    this.#monitor = new LinkMonitor(device, control, options.poller, () => this.#follow());
    this.#linkUp = this.#monitor.up;
    this.#setLimits();
  }

  /** The interface's name. */
  get name(): string {
    return this.#device.name;
  }

  /** Bytes of the virtio-net header that frames carry: 0, 10 or 12. */
  get headerBytes(): number {
    return this.#device.headerBytes;
  }

  /** `lowLevelInit`. @throws Error where there is a card already, or it was closed */
  init(driver: EthDriver): LinkInfo {
    if (this.#closed) throw new Error(`TAP interface ${this.name} is closed`);
    if (this.#driver !== null) {
      throw new Error(`"driver" expected no other card, but "${this.#driver.name}" has this backend already`);
    }
    this.#driver = driver;
    this.#watch = this.#options.poller.watch(this.#device.fd, 0, (ready) => this.#onReady(ready));
    this.#linkUp = this.#monitor.up;
    this.#wait();
    return {
      mac: this.mac,
      mtu: this.#monitor.mtu,
      txOffloads: this.#device.headerBytes === 0 ? 0 : takenOffloads(this.#device.rxOffloads),
      rxOffloads: this.#device.rxOffloads,
      linkUp: this.#linkUp,
    };
  }

  /** `rawTx`. */
  transmit(frame: Frame): TxResult {
    if (!this.#isOpen()) {
      if (this.#closed) this.counters.closed++;
      else this.counters.gone++;
      return TxResult.Failed;
    }
    const result = this.#transmit.send(frame);
    if (result === TxResult.Enqueued) this.#wait();
    return result;
  }

  /** `rawPoll`: the guest has posted room. */
  poll(): void {
    this.#starved = false;
    this.#look();
  }

  /** See `TapBackend.setRxOffloads`. */
  setRxOffloads(offloads: number): number {
    if (this.#closed) return 0;
    const agreed = this.#device.setRxOffloads(offloads);
    this.#setLimits();
    return agreed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#driver !== null) this.counters.closed += this.#transmit.drop(this.#driver);
    this.counters.noRoom += this.#receive.drop();
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#watch?.close();
    this.#monitor.close();
    this.#device.fd.close();
    this.#transmit.release();
    this.#receive.release();
  }

  describe(): string {
    const { framesOut, framesIn, dropped } = this.counters;
    const state = this.#closed ? "closed" : !this.#present ? "gone" : this.#linkUp ? "link up" : "link down";
    const frames = `${framesOut} frames out, ${framesIn} in, ${dropped} dropped, ${this.#transmit.waiting} waiting`;
    return `TAP ${this.name} ${formatMac(this.mac)} mtu ${this.#monitor.mtu}: ${state}, ${frames}`;
  }

  #onReady(ready: number): void {
    if ((ready & (Ready.Error | Ready.HangUp)) !== 0) this.#monitor.refresh();
    if (this.#driver === null || !this.#isOpen()) return;
    if ((ready & Ready.Write) !== 0) this.#transmit.resume(this.#driver, this.#options.batchFrames);
    if ((ready & Ready.Read) !== 0) this.#look();
    else this.#wait();
  }

  /** Gives the guest what there is for it. */
  #look(): void {
    if (this.#driver === null || !this.#isOpen()) return;
    const stopped = this.#receive.run(this.#driver, this.#isOpen);
    if (stopped === Stopped.Nested || this.#closed) return;
    this.#starved = stopped === Stopped.NoRoom;
    if (stopped === Stopped.Trouble) {
      this.#trouble();
      this.#rest ??= setTimeout(() => this.#wake(), REST_MS).unref();
    }
    this.#wait();
  }

  #wake(): void {
    this.#rest = null;
    this.#look();
  }

  /** Says what is waited for now. */
  #wait(): void {
    const watch = this.#watch;
    if (watch === null || watch.closed) return;
    const reading = !this.#starved && this.#rest === null;
    const writing = this.#transmit.waiting > 0;
    const wanted = (reading ? Ready.Read : 0) | (writing ? Ready.Write : 0);
    watch.setEvents(this.#isOpen() ? wanted : 0);
  }

  /** The kernel refused something: it is looked why, but not in the middle of a call of the card's. */
  #trouble(): void {
    if (this.#troubled) return;
    this.#troubled = true;
    setImmediate(() => {
      this.#troubled = false;
      if (!this.#closed) this.#monitor.refresh();
    });
  }

  /** The interface went, came, or changed. */
  #follow(): void {
    const { present, up, returns } = this.#monitor;
    if (this.#present && (!present || returns !== this.#returns)) this.counters.lost++;
    if (returns !== this.#returns) this.#restore();
    this.#present = present;
    this.#returns = returns;
    this.#setLimits();
    if (!up && this.#driver !== null) {
      const count = this.#transmit.drop(this.#driver);
      if (present) this.counters.down += count;
      else this.counters.gone += count;
    }
    this.#wait();
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    this.#driver?.callbacks.linkChange(up);
  }

  /** The interface is another one of the same name: it is made like the first. */
  #restore(): void {
    this.counters.recovered++;
    this.#watch?.setEvents(0);
    try {
      configure(this.name, this.#monitor.control, this.#options, this.#made);
    } catch {
      // Who made it anew may have made it otherwise, and perhaps we may not change that. The link follows it.
    }
  }

  #setLimits(): void {
    this.#receive.setLimits(this.#monitor.mtu, (this.#device.rxOffloads & SEGMENTS) !== 0);
  }
}
