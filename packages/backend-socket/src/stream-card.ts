import { type EthDriver, type Frame, formatMac, type LinkInfo, TxResult } from "@vmmkit/ethif";
import { type Poller, Ready, type Socket, type SocketAddress, type Watch } from "@vmmkit/posix";
import type { Counters } from "./counters.ts";
import { Delivery } from "./delivery.ts";
import { HEADER_BYTES, type Link, linkInfo } from "./link.ts";
import { ReadEnd } from "./read-end.ts";
import { ReceiveLoop } from "./receive-loop.ts";
import { StreamReader } from "./stream-reader.ts";
import type { StreamSource } from "./stream-source.ts";
import { GATHERED_FRAMES, StreamWriter, WriteEnd } from "./stream-writer.ts";

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;

/** A card whose frames go over a stream. */
export class StreamCard {
  readonly link: Link;
  readonly counters: Counters;
  readonly #source: StreamSource;
  readonly #poller: Poller;
  readonly #isTcp: boolean;
  readonly #delivery = new Delivery();
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #loop: ReceiveLoop;
  #socket: Socket | null = null;
  #watch: Watch | null = null;
  /** Frames that had come in when the connection was made. */
  #framesBefore = 0;
  /** The socket took no more when writing ended. */
  #blocked = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(link: Link, counters: Counters, source: StreamSource, poller: Poller, isTcp: boolean) {
    this.link = link;
    this.counters = counters;
    this.#source = source;
    this.#poller = poller;
    this.#isTcp = isTcp;
    this.#reader = new StreamReader(this.#delivery, counters, link.longest);
    this.#writer = new StreamWriter(counters, link.queueFrames);
    this.#loop = new ReceiveLoop(this.#delivery, counters, () => this.#read());
    source.start((socket) => this.#connected(socket));
  }

  /** Whether there is a connection. */
  get up(): boolean {
    return this.#socket !== null;
  }

  /** Where others connect to. */
  get localAddress(): SocketAddress | null {
    return this.#source.localAddress;
  }

  init(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    // What came before there was a card is read when this is over.
    this.#await();
    return linkInfo(this.link, this.up);
  }

  transmit(frame: Frame): TxResult {
    const cause = this.#closed
      ? "closed"
      : this.#socket === null
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
    if (this.#writer.full || this.#writer.waiting >= GATHERED_FRAMES) this.flush();
    // Writing may have found that the connection is over.
    if (this.#writer.full || this.#socket === null) {
      this.counters.dropped[this.#socket === null ? "linkDown" : "noSpace"]++;
      return TxResult.Failed;
    }
    this.#writer.push(frame);
    return TxResult.Enqueued;
  }

  /** Writes what was gathered, unless it is known that the socket takes none. */
  flush(): void {
    if (!this.#blocked) this.#send();
  }

  /** The guest has posted room. */
  poll(): void {
    this.#receive();
  }

  whenUp(): Promise<void> {
    if (this.up) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#source.close();
    this.#hangUp("closed");
  }

  describe(): string {
    const { framesOut, framesIn, lost } = this.counters;
    const state = this.#closed ? "closed" : this.up ? "connected" : "not connected";
    const frames = `${framesOut} frames out, ${framesIn} in, ${lost} dropped, ${this.#writer.waiting} waiting`;
    return `stream ${formatMac(this.link.mac)} ${this.#source.description}: ${state}, ${frames}`;
  }

  #connected(socket: Socket): void {
    if (this.#closed) {
      socket.close();
      return;
    }
    if (this.#isTcp) {
      socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1);
      socket.setOption(SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    this.#socket = socket;
    this.counters.connects++;
    this.#framesBefore = this.counters.framesIn;
    this.#loop.starved = false;
    this.#blocked = false;
    this.#watch = this.#poller.watch(socket.fd, 0, (ready) => this.#ready(ready));
    this.#await();
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#delivery.callbacks?.linkChange(true);
  }

  #ready(ready: number): void {
    if ((ready & Ready.Write) !== 0) this.#send();
    if ((ready & ~Ready.Write) !== 0) this.#receive();
  }

  #send(): void {
    const { callbacks } = this.#delivery;
    const socket = this.#socket;
    if (callbacks === null || socket === null) return;
    const end = this.#writer.write(socket.fd, callbacks);
    // Whoever ran meanwhile may have hung up; then that is all dealt with.
    if (this.#socket !== socket) return;
    if (end === WriteEnd.Over) {
      this.#lost();
      return;
    }
    const blocked = end !== WriteEnd.Done;
    if (blocked && !this.#blocked) this.counters.blocked++;
    this.#blocked = blocked;
    this.#await();
  }

  #receive(): void {
    this.#loop.run();
    this.#await();
  }

  /** Fills a batch. */
  #read(): ReadEnd {
    const socket = this.#socket;
    if (socket === null) return ReadEnd.Drained;
    const end = this.#reader.read(socket.fd);
    // Whoever ran meanwhile may have hung up, and that is all dealt with.
    if (this.#socket !== socket) return ReadEnd.Drained;
    if (end === ReadEnd.Corrupt) this.counters.corrupt++;
    if (end === ReadEnd.Over || end === ReadEnd.Corrupt) this.#lost();
    return end;
  }

  /** Waits for what there is to wait for. */
  #await(): void {
    if (this.#watch === null) return;
    const read = this.#loop.starved || this.#delivery.callbacks === null ? 0 : Ready.Read;
    this.#watch.setEvents(read | (this.#blocked ? Ready.Write : 0));
  }

  /** The connection is over. */
  #lost(): void {
    const worked = this.counters.framesIn > this.#framesBefore;
    this.#hangUp("linkDown");
    if (this.#closed) return;
    this.#delivery.callbacks?.linkChange(false);
    this.#source.again(worked);
  }

  #hangUp(cause: "closed" | "linkDown"): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#watch = null;
    this.#blocked = false;
    if (socket !== null) {
      socket.close();
      this.counters.disconnects++;
    }
    this.#writer.forget(cause, this.#delivery.callbacks);
    this.#reader.forget();
    this.#delivery.send();
  }
}
