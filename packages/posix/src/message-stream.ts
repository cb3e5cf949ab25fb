import { addressOf } from "./addresses.ts";
import { Errno, errnoName } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { IoVector } from "./io-vector.ts";
import { Message } from "./message.ts";
import type { Poller } from "./poller.ts";
import type { Socket } from "./socket.ts";
import { Ready, type Watch } from "./watch.ts";

/** How the messages of a protocol look, and who takes them. */
export interface MessageStreamOptions {
  /** Length of the header that each message starts with. */
  readonly headerBytes: number;
  /** Longest message behind its header. Memory for one of them is held. */
  readonly maxBodyBytes: number;
  /** Most descriptors that may come with a message. */
  readonly maxDescriptors: number;
  /** How long a message is behind its header, as the header says. Anything but 0 to `maxBodyBytes` ends the stream. */
  bodyBytes(header: DataView): number;
  /**
   * A message is there. Its descriptors are the listener's to close; the views are the stream's and good until this
   * returns.
   */
  onMessage(header: DataView, body: DataView, fds: Fd[]): void;
  /** Told when all messages are dealt with that could be read at once. */
  onIdle?(): void;
  /** It is over: told once, in words. Not told of `close`. */
  onEnd(reason: string): void;
}

/** Messages taken in one turn of the event loop; the others wait for the next. */
const BATCH = 64;
const NO_FDS: readonly Fd[] = [];

/** What could not be sent yet. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly fds: readonly Fd[];
}

/**
 * Messages with descriptors over a connected UNIX stream socket, each a header that says how much follows. The other
 * end may be broken or hostile: it can have no more memory or descriptors held here than one message takes.
 *
 * A message is read in two parts, header and rest, and never beyond its end. So descriptors that come belong to the
 * message that is being read, however the sender cut it. While something waits to be sent nothing is read: who does
 * not take answers gets none.
 */
export class MessageStream {
  readonly #socket: Socket;
  readonly #options: MessageStreamOptions;
  readonly #watch: Watch;
  readonly #incoming: Message = new Message(new IoVector(1));
  readonly #outgoing: Message = new Message(new IoVector(1));
  readonly #bytes: Uint8Array;
  readonly #address: number;
  readonly #header: DataView;
  /** Bytes of the current message that are here, header counted. */
  #filled = 0;
  /** Length of the current message, or of its header as long as that is not known. */
  #wanted: number;
  #fds: Fd[] = [];
  #queue: Waiting[] = [];
  #closed = false;

  /** @param socket a connected UNIX stream socket. It is this object's from now on. */
  constructor(socket: Socket, poller: Poller, options: MessageStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#bytes = new Uint8Array(new ArrayBuffer(options.headerBytes + options.maxBodyBytes));
    this.#address = addressOf(this.#bytes);
    this.#header = new DataView(this.#bytes.buffer, 0, options.headerBytes);
    this.#wanted = options.headerBytes;
    this.#watch = poller.watch(socket.fd, Ready.Read, () => this.#onReady());
  }

  /** Whether it is over. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a message. What the socket does not take now is kept, and goes later. Nothing happens once it is over.
   * @param bytes the whole message; copied where it has to wait
   * @param fds go along with its first byte. They stay the caller's, who keeps them open until then
   */
  send(bytes: Uint8Array, fds: readonly Fd[] = NO_FDS): void {
    if (this.#closed) return;
    const sent = this.#queue.length > 0 ? 0 : this.#trySend(bytes, fds);
    if (this.#closed || sent === bytes.length) return;
    this.#queue.push({ bytes: bytes.slice(sent), fds: sent > 0 ? NO_FDS : fds });
    this.#watch.setEvents(Ready.Write);
  }

  /** Ends it and closes the socket. A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#incoming.closeDescriptors();
    for (const fd of this.#fds.splice(0)) fd.close();
    this.#socket.close();
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#options.onEnd(reason);
  }

  #onReady(): void {
    if (this.#queue.length > 0) this.#flush();
    let messages = 0;
    while (messages < BATCH && !this.#closed && this.#queue.length === 0 && this.#receive()) {
      if (this.#filled < this.#wanted) continue;
      if (this.#filled === this.#options.headerBytes && !this.#measure()) continue;
      messages++;
      this.#deliver();
    }
    if (!this.#closed) this.#options.onIdle?.();
  }

  /** Reads towards the end of the current part. Answers false where there is nothing now, or nothing more ever. */
  #receive(): boolean {
    const { vector } = this.#incoming;
    vector.clear();
    vector.pushAddress(this.#address + this.#filled, this.#wanted - this.#filled);
    const count = this.#incoming.receive(this.#socket.fd.number);
    if (count === -Errno.EAGAIN || count === -Errno.EINTR) return false;
    if (count <= 0) {
      this.#end(count === 0 ? "the other side closed the connection" : errnoName(-count));
      return false;
    }
    this.#fds.push(...this.#incoming.takeDescriptors());
    if (this.#fds.length > this.#options.maxDescriptors || this.#incoming.descriptorsLost) {
      this.#end("more descriptors than a message can have");
      return false;
    }
    this.#filled += count;
    return true;
  }

  /** The header is complete. Answers whether the message is so, too. */
  #measure(): boolean {
    const { headerBytes, maxBodyBytes } = this.#options;
    const bodyBytes = this.#options.bodyBytes(this.#header);
    if (!(bodyBytes >= 0 && bodyBytes <= maxBodyBytes)) {
      this.#end(`a message of ${headerBytes + bodyBytes} bytes, which there cannot be`);
      return false;
    }
    this.#wanted = headerBytes + bodyBytes;
    return bodyBytes === 0;
  }

  #deliver(): void {
    const { headerBytes } = this.#options;
    const body = new DataView(this.#bytes.buffer, headerBytes, this.#filled - headerBytes);
    const fds = this.#fds.splice(0);
    this.#filled = 0;
    this.#wanted = headerBytes;
    this.#options.onMessage(this.#header, body, fds);
  }

  #flush(): void {
    while (this.#queue.length > 0) {
      const next = this.#queue[0];
      if (next === undefined) return;
      const sent = this.#trySend(next.bytes, next.fds);
      if (this.#closed) return;
      if (sent < next.bytes.length) {
        if (sent > 0) this.#queue[0] = { bytes: next.bytes.subarray(sent), fds: NO_FDS };
        return;
      }
      this.#queue.shift();
    }
    this.#watch.setEvents(Ready.Read);
  }

  /** Answers how many bytes went. */
  #trySend(bytes: Uint8Array, fds: readonly Fd[]): number {
    const { vector } = this.#outgoing;
    vector.clear();
    vector.push(bytes, 0, bytes.length);
    const count = this.#outgoing.send(this.#socket.fd.number, fds);
    if (count >= 0) return count;
    if (count !== -Errno.EAGAIN && count !== -Errno.EINTR) this.#end(errnoName(-count));
    return 0;
  }
}
