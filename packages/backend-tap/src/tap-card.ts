import {
  type EthDriver,
  type Frame,
  formatMac,
  type LinkInfo,
  type MacAddress,
  Offload,
  TxResult,
} from "@vmmkit/ethif";
import { threadIoRing } from "@vmmkit/posix";
import { TapCounters } from "./counters.ts";
import { LinkMonitor } from "./link-monitor.ts";
import { takenOffloads } from "./offloads.ts";
import { configure, openTap } from "./open-tap.ts";
import type { CheckedOptions } from "./options.ts";
import type { TapDevice } from "./tap-device.ts";
import { TapQueue, type TapQueueOwner } from "./tap-queue.ts";

/** Kinds of frames longer than the MTU. */
const SEGMENTS: number = Offload.Tso4 | Offload.Tso6 | Offload.Ufo | Offload.Uso;

/** A card on a TAP interface: its queue pairs and its link. */
export class TapCard {
  readonly counters: TapCounters = new TapCounters();
  readonly mac: MacAddress;
  readonly #device: TapDevice;
  readonly #options: CheckedOptions;
  /** The interface was made here, and is to be up when it is made again. */
  readonly #made: boolean;
  readonly #monitor: LinkMonitor;
  readonly #queues: readonly TapQueue[];
  readonly #first: TapQueue;
  #driver: EthDriver | null = null;
  #troubled = false;
  #present = true;
  #returns = 0;
  #linkUp: boolean;
  #closed = false;

  /** @throws PosixError, TypeError */
  constructor(options: CheckedOptions) {
    const { device, control, made } = openTap(options);
    const { poller, queueFrames, batchFrames } = options;
    this.#options = options;
    this.#device = device;
    this.#made = made;
    this.mac = options.mac;
    const owner: TapQueueOwner = {
      counters: this.counters,
      poller,
      headerBytes: device.headerBytes,
      queueFrames,
      batchFrames,
      ring: options.batchedCalls ? threadIoRing() : null,
      isOpen: () => this.#isOpen(),
      trouble: () => this.#trouble(),
      failed: () => this.#monitor.refresh(),
    };
    this.#first = new TapQueue(device.fd, 0, owner);
    this.#queues = device.fds.map((fd, i) => (i === 0 ? this.#first : new TapQueue(fd, i, owner)));
    this.#monitor = new LinkMonitor(device, control, poller, () => this.#follow());
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
    this.#linkUp = this.#monitor.up;
    for (const queue of this.#queues) queue.start(driver);
    const { headerBytes, agreedOffloads } = this.#device;
    return {
      mac: this.mac,
      mtu: this.#monitor.mtu,
      txOffloads: headerBytes === 0 ? 0 : takenOffloads(agreedOffloads),
      rxOffloads: agreedOffloads,
      queuePairs: this.#queues.length,
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
    const queue = this.#queues[frame.queue];
    return (queue?.active === true ? queue : this.#first).send(frame);
  }

  /** `rawTxFlush`: the card has no more frames for now. */
  flush(): void {
    for (const queue of this.#queues) queue.flush();
  }

  /** `rawPoll`: the guest has posted room. */
  poll(queue: number | undefined): void {
    if (queue !== undefined) this.#queues[queue]?.poll();
    else for (const each of this.#queues) each.poll();
  }

  /** See `TapBackend.setQueuePairs`. */
  setQueuePairs(pairs: number): void {
    if (this.#closed) return;
    this.#device.attachQueues(pairs);
    for (const [i, queue] of this.#queues.entries()) queue.setActive(i < pairs);
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
    for (const queue of this.#queues) queue.close();
    this.#monitor.close();
    this.#device.close();
  }

  describe(): string {
    const { framesOut, framesIn, dropped } = this.counters;
    const state = this.#closed ? "closed" : !this.#present ? "gone" : this.#linkUp ? "link up" : "link down";
    const waiting = this.#queues.reduce((sum, queue) => sum + queue.waiting, 0);
    const frames = `${framesOut} frames out, ${framesIn} in, ${dropped} dropped, ${waiting} waiting`;
    return `TAP ${this.name} ${formatMac(this.mac)} mtu ${this.#monitor.mtu}: ${state}, ${frames}`;
  }

  #isOpen(): boolean {
    return !this.#closed && this.#monitor.present;
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
    if (!up) this.#dropWaiting(present);
    for (const queue of this.#queues) queue.wait();
    if (up === this.#linkUp) return;
    this.#linkUp = up;
    this.#driver?.callbacks.linkChange(up);
  }

  /** Frames that wait for an interface that is down or gone go back to the guest. */
  #dropWaiting(present: boolean): void {
    const count = this.#queues.reduce((sum, queue) => sum + queue.drop(), 0);
    if (present) this.counters.down += count;
    else this.counters.gone += count;
  }

  /** The interface is another one of the same name: it is made like the first. */
  #restore(): void {
    this.counters.recovered++;
    for (const queue of this.#queues) queue.pause();
    try {
      configure(this.name, this.#monitor.control, this.#options, this.#made);
    } catch {
      // Who made it anew may have made it otherwise, and perhaps we may not change that. The link follows it.
    }
  }

  #setLimits(): void {
    const segments = (this.#device.rxOffloads & SEGMENTS) !== 0;
    for (const queue of this.#queues) queue.setLimits(this.#monitor.mtu, segments);
  }
}
