import { TestCard, testFrame, until } from "@vmmkit/ethif-compliance";
import { type Fd, SocketType, socketPair } from "@vmmkit/posix";
import { type LinkOptions, type SocketBackend, streamBackend } from "../../src/index.ts";

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const ADDRESS = new Uint8Array(6).fill(2);

/** A frame with a number, addresses that do not matter. */
export function frame(number: number, size = 60): Uint8Array {
  return testFrame({ to: ADDRESS, from: ADDRESS, size, number });
}

/** A frame as it is on a stream. */
export function framed(...frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(frames.flatMap((bytes) => [lengthOf(bytes.length), bytes]));
}

/** A length as it is on a stream. */
export function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

/** Waits for something that has to happen. */
export function eventually(condition: () => boolean, what = "what had to happen did not"): Promise<void> {
  return until(condition, 5000, () => what);
}

/** A card on one end of a stream, and the other end's bare descriptor. */
export class Wire {
  readonly backend: SocketBackend;
  readonly card: TestCard;
  /** The far end. */
  readonly far: Fd;
  readonly #arrived: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(new ArrayBuffer(1 << 20));

  /** @param sendBytes the near end's send buffer, as small as the kernel lets it be */
  constructor(options: LinkOptions = {}, rooms = 16, sendBytes = 0) {
    const [near, far] = socketPair(SocketType.Stream);
    if (sendBytes > 0) near.setOption(SOL_SOCKET, SO_SNDBUF, sendBytes);
    this.far = far.fd;
    this.backend = streamBackend({ fd: near.fd, ...options });
    this.card = new TestCard(this.backend, { memoryBytes: 2 << 20 });
    this.card.init();
    if (rooms > 0) this.card.post(rooms, [1600]);
  }

  /** The guest sends and flushes. */
  send(bytes: Uint8Array, rangeLengths: readonly number[] = []): number {
    const result = this.card.transmit(bytes, rangeLengths);
    this.card.flush();
    return result;
  }

  /** Bytes come over the wire, as many as it takes. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const count = this.far.write(bytes.subarray(at));
      if (count > 0) at += count;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What has arrived at the far end and was not taken out yet. */
  pending(): Buffer {
    for (;;) {
      const count = this.far.closed ? 0 : this.far.read(this.#buffer);
      if (count <= 0) break;
      this.#arrived.push(this.#buffer.slice(0, count));
    }
    const all = Buffer.concat(this.#arrived.splice(0));
    if (all.length > 0) this.#arrived.push(all);
    return all;
  }

  /** The next bytes at the far end, exactly so many. */
  async read(count: number): Promise<Buffer> {
    await eventually(() => this.pending().length >= count, `${count} bytes did not arrive`);
    const all = this.pending();
    this.#arrived.splice(0, 1, all.subarray(count));
    return all.subarray(0, count);
  }

  /** The frames that the guest has received, once there are that many. */
  async received(count: number): Promise<Uint8Array[]> {
    await eventually(() => this.card.received.length >= count, `${count} frames did not reach the card`);
    return this.card.received.splice(0);
  }
}
