import type { Peer } from "@vmmkit/ethif-compliance";
import { type Fd, Ready, threadPoller, type Watch } from "@vmmkit/posix";

/**
 * The far end of datagrams: connected sockets, and plain reads and writes. It waits where its peer takes no more.
 */
export class DatagramPeer implements Peer {
  readonly #receiving: Fd;
  readonly #sending: Fd;
  readonly #watch: Watch;
  readonly #sendWatch: Watch;
  readonly #arrived: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];
  readonly #toSend: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(new ArrayBuffer(70_000));
  #paused = false;

  constructor(receiving: Fd, sending: Fd = receiving) {
    this.#receiving = receiving;
    this.#sending = sending;
    const listener = (): void => this.#ready();
    this.#watch = threadPoller().watch(receiving, Ready.Read, listener);
    this.#sendWatch = receiving === sending ? this.#watch : threadPoller().watch(sending, 0, listener);
  }

  send(frame: Uint8Array): void {
    this.#toSend.push(frame);
    this.#ready();
  }

  receive(): Promise<Uint8Array> {
    const frame = this.#arrived.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  pause(): void {
    this.#paused = true;
    this.#await();
  }

  resume(): void {
    this.#paused = false;
    this.#await();
  }

  close(): void {
    this.#receiving.close();
    this.#sending.close();
  }

  #ready(): void {
    if (this.#receiving.closed) return;
    try {
      this.#write();
      if (!this.#paused) this.#read();
    } catch {
      // Nobody is there: what was to be sent is lost.
      this.#toSend.length = 0;
    }
    this.#await();
  }

  #write(): void {
    for (let frame = this.#toSend[0]; frame !== undefined; frame = this.#toSend[0]) {
      if (this.#sending.write(frame) < 0) return;
      this.#toSend.shift();
    }
  }

  #read(): void {
    for (let count = this.#receiving.read(this.#buffer); count >= 0; count = this.#receiving.read(this.#buffer)) {
      const frame = this.#buffer.slice(0, count);
      const next = this.#waiting.shift();
      if (next === undefined) this.#arrived.push(frame);
      else next(frame);
    }
  }

  #await(): void {
    if (this.#receiving.closed) return;
    const read = this.#paused ? 0 : Ready.Read;
    const write = this.#toSend.length > 0 ? Ready.Write : 0;
    if (this.#watch === this.#sendWatch) this.#watch.setEvents(read | write);
    else {
      this.#watch.setEvents(read);
      this.#sendWatch.setEvents(write);
    }
  }
}
