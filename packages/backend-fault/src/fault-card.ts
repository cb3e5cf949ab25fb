import type { Backend, EthDriver, LinkInfo, MacAddress, RawIfaceCallbacks, RawIfaceFuncs } from "@vmmkit/ethif";
import { Alarm } from "./alarm.ts";
import { hostClock } from "./clock.ts";
import type { DirectionStats } from "./counters.ts";
import { Dice } from "./dice.ts";
import type { FaultState, FaultStats } from "./fault-backend.ts";
import { Link } from "./link.ts";
import { LowerDriver } from "./lower-driver.ts";
import { checkChange, checkOptions, type FaultOptions } from "./options.ts";
import { ReceiveSide } from "./receive-side.ts";
import { changeDirection, changeLink, type FaultChange, STEADY_LINK } from "./settings.ts";
import { TransmitSide } from "./transmit-side.ts";
import { UpperCard } from "./upper-card.ts";

/** The link's stream of random numbers: above all that the directions use. */
const LINK_STREAM = 1000;

const COPY_BYTES = 0x10_0000;

/** What stands between one card and its backend. */
export class FaultCard {
  readonly seed: number;
  readonly tx: TransmitSide;
  readonly rx: ReceiveSide;
  readonly link: Link;
  readonly #inner: RawIfaceFuncs & Partial<Backend>;
  readonly #upper = new UpperCard();
  readonly #lower: LowerDriver;
  readonly #pollSoon: Alarm;
  /** What the card was told of its carrier. */
  #toldUp = true;
  #closing: Promise<void> | null = null;

  constructor(inner: RawIfaceFuncs, options: FaultOptions) {
    checkOptions(options);
    const { seed = Math.floor(Math.random() * 2 ** 32), linkUp = true, clock = hostClock } = options;
    this.seed = seed;
    this.#inner = inner;
    this.#lower = new LowerDriver(this.#upper, inner, this.#callbacks());
    this.#pollSoon = new Alarm(clock, () => this.poll());
    this.link = new Link(linkUp, clock, new Dice(seed, LINK_STREAM), () => this.#linkChanged());
    const place = { seed, clock, link: this.link };
    this.tx = new TransmitSide(place, this.#upper, inner, this.#lower, options.copyBytes ?? COPY_BYTES);
    this.rx = new ReceiveSide(place, this.#upper, () => this.#pollSoon.set(clock.now()));
    const { tx = {}, rx = {}, disconnect, reconnectMs } = { ...STEADY_LINK, ...options };
    this.set({ tx, rx, disconnect, reconnectMs });
  }

  /** `lowLevelInit`. */
  init(driver: EthDriver): LinkInfo {
    this.#upper.attach(driver);
    const link = this.#inner.lowLevelInit(this.#lower);
    this.link.backendUp = link.linkUp ?? true;
    this.#toldUp = this.link.up;
    return { ...link, linkUp: this.#toldUp };
  }

  flush(): void {
    this.#inner.rawTxFlush?.(this.#lower);
  }

  /** @param queue the queue pair that has room again; left out for all */
  poll(queue?: number): void {
    this.rx.told();
    this.#inner.rawPoll(this.#lower, queue);
  }

  setQueuePairs(pairs: number): void {
    this.#inner.setQueuePairs?.(this.#lower, pairs);
  }

  setRxOffloads(offloads: number): void {
    this.#inner.setRxOffloads?.(this.#lower, offloads);
  }

  interrupt(irq: number): void {
    this.#inner.rawHandleIRQ(this.#lower, irq);
  }

  getMac(): MacAddress {
    return this.#inner.getMac(this.#lower);
  }

  set(change: FaultChange): void {
    checkChange(change);
    const { tx: txChange = {}, rx: rxChange = {} } = change;
    const tx = changeDirection(this.tx.settings, txChange, "tx");
    const rx = changeDirection(this.rx.settings, rxChange, "rx");
    const link = changeLink(this.link.settings, change);
    this.link.settings = link;
    this.tx.configure(tx);
    this.rx.configure(rx);
  }

  settings(): FaultState {
    return { ...this.link.settings, tx: this.tx.settings, rx: this.rx.settings };
  }

  stats(): FaultStats {
    const { up, disconnects } = this.link;
    return { tx: this.tx.stats(), rx: this.rx.stats(), linkUp: up, disconnects };
  }

  describe(): string {
    const { tx, rx, linkUp } = this.stats();
    const state = this.link.closed ? "closed" : linkUp ? "link up" : "link down";
    const frames = `out ${summary(tx)}, in ${summary(rx)}`;
    return `faults seed ${this.seed}: ${state}, ${frames}; over ${this.#inner.printState(this.#lower)}`;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.link.close();
    this.#pollSoon.clear();
    this.tx.loseAll("closed");
    this.rx.loseAll("closed");
    await this.#inner.close?.();
  }

  /** What the backend calls. */
  #callbacks(): RawIfaceCallbacks {
    return {
      txComplete: (cookie) => this.tx.completed(cookie),
      allocateRxBuf: (sizeBytes, queue) => (this.link.closed ? null : this.rx.allocate(sizeBytes, queue)),
      rxComplete: (count, frames, lengths) => this.rx.complete(count, frames, lengths),
      linkChange: (up) => {
        this.link.backendUp = up;
        this.#linkChanged();
      },
    };
  }

  #linkChanged(): void {
    const { plugged, up, closed } = this.link;
    this.tx.refresh();
    this.rx.refresh();
    if (closed) return;
    if (!plugged) {
      this.tx.loseAll("linkDown");
      this.rx.loseAll("linkDown");
    }
    if (this.#upper.driver === null || up === this.#toldUp) return;
    this.#toldUp = up;
    this.#upper.linkChange(up);
  }
}

function summary({ passed, duplicated, dropped, waiting }: DirectionStats): string {
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return `${passed} passed (${duplicated} made), ${lost} lost, ${waiting} waiting`;
}
