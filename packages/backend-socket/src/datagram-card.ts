import { type EthDriver, type Frame, formatMac, type LinkInfo, TxResult } from "@vmmkit/ethif";
import { type Poller, Ready, type SocketAddress, type Watch } from "@vmmkit/posix";
import type { Counters } from "./counters.ts";
import type { DatagramPort } from "./datagram-port.ts";
import { DatagramReader } from "./datagram-reader.ts";
import { DatagramWriter } from "./datagram-writer.ts";
import { Delivery } from "./delivery.ts";
import { HEADER_BYTES, type Link, linkInfo } from "./link.ts";
import type { ReadEnd } from "./read-end.ts";
import { ReceiveLoop } from "./receive-loop.ts";

/** A card whose frames go as datagrams. */
export class DatagramCard {
  readonly link: Link;
  readonly counters: Counters;
  readonly #port: DatagramPort;
  readonly #delivery = new Delivery();
  readonly #reader: DatagramReader;
  readonly #writer: DatagramWriter;
  readonly #loop: ReceiveLoop;
  readonly #readWatch: Watch;
  /** The same one where there is one socket. */
  readonly #writeWatch: Watch;
  /** What the card was told of its carrier. */
  #toldUp = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(link: Link, counters: Counters, port: DatagramPort, poller: Poller) {
    this.link = link;
    this.counters = counters;
    this.#port = port;
    this.#reader = new DatagramReader(this.#delivery, counters, link.longest);
    this.#writer = new DatagramWriter(counters, link.queueFrames, () => port.refused());
    this.#loop = new ReceiveLoop(this.#delivery, counters, () => this.#read());
    const { receiving, sending } = port;
    const ready = (bits: number): void => this.#ready(bits);
    this.#readWatch = poller.watch(receiving.fd, 0, ready);
    this.#writeWatch = sending === receiving ? this.#readWatch : poller.watch(sending.fd, 0, ready);
    this.#toldUp = port.up;
    if (port.up) counters.connects++;
    port.start(() => this.#follow());
  }

  get up(): boolean {
    return !this.#closed && this.#port.up;
  }

  /** Where others send to. */
  get localAddress(): SocketAddress | null {
    return this.#port.localAddress;
  }

  init(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    this.#await();
    return linkInfo(this.link, this.#toldUp);
  }

  transmit(frame: Frame): TxResult {
    const cause = this.#closed
      ? "closed"
      : !this.#port.up
        ? "linkDown"
        : frame.totalBytes < HEADER_BYTES
          ? "tooShort"
          : frame.totalBytes > this.link.longest
            ? "tooLong"
            : null;
    if (cause !== null) {
      this.counters.dropped[cause]++;
      return TxResult.Failed;
    }
    const result = this.#writer.send(this.#port.sending.fd, frame);
    if (this.#writer.blocked) this.#await();
    return result;
  }

  /** The guest has posted room. */
  poll(): void {
    this.#loop.run();
    this.#await();
  }

  whenUp(): Promise<void> {
    if (this.up) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    this.#writer.forget("closed", this.#delivery.callbacks);
    this.#delivery.send();
  }

  describe(): string {
    const { framesOut, framesIn, lost } = this.counters;
    const state = this.#closed ? "closed" : this.up ? "link up" : "link down";
    const frames = `${framesOut} frames out, ${framesIn} in, ${lost} dropped, ${this.#writer.waiting} waiting`;
    return `datagrams ${formatMac(this.link.mac)} ${this.#port.description}: ${state}, ${frames}`;
  }

  #ready(ready: number): void {
    const { callbacks } = this.#delivery;
    if (callbacks === null) return;
    if (this.#writer.blocked && (ready & ~Ready.Read) !== 0) this.#writer.resume(this.#port.sending.fd, callbacks);
    if ((ready & ~Ready.Write) !== 0) this.#loop.run();
    this.#await();
  }

  #read(): ReadEnd {
    return this.#reader.read(this.#port.receiving.fd);
  }

  /** The peer came or went. */
  #follow(): void {
    const { up } = this.#port;
    if (this.#closed || up === this.#toldUp) return;
    this.#toldUp = up;
    if (up) this.counters.connects++;
    else {
      this.counters.disconnects++;
      this.#writer.forget("linkDown", this.#delivery.callbacks);
    }
    this.#await();
    if (up) for (const resolve of this.#waiters.splice(0)) resolve();
    this.#delivery.callbacks?.linkChange(up);
  }

  /** Waits for what there is to wait for. */
  #await(): void {
    if (this.#closed || this.#delivery.callbacks === null) return;
    const read = this.#loop.starved ? 0 : Ready.Read;
    const write = this.#writer.blocked ? Ready.Write : 0;
    if (this.#readWatch === this.#writeWatch) this.#readWatch.setEvents(read | write);
    else {
      this.#readWatch.setEvents(read);
      this.#writeWatch.setEvents(write);
    }
  }
}
