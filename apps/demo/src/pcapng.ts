import { createWriteStream, type WriteStream } from "node:fs";

/*
 * A capture file in the pcapng format (draft-ietf-opsawg-pcapng): a section header, one interface description for
 * each guest, then one enhanced packet block for each frame. Numbers are little-endian, blocks are padded to four
 * bytes, and each block says its length at both ends.
 */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LENGTH_UNKNOWN = 0xffff_ffff;
const LINKTYPE_ETHERNET = 1;
const OPTION_END = 0;
const OPTION_INTERFACE_NAME = 2;
const OPTION_PACKET_FLAGS = 2;
const OPTION_TIME_RESOLUTION = 9;
const MICROSECONDS = 6;
const FLAG_INBOUND = 1;
const FLAG_OUTBOUND = 2;
const TWO_32 = 0x1_0000_0000;

/** Bytes of a packet block around its data: header, flags option, end of options, trailing length. */
const PACKET_BLOCK_BYTES = 28 + 8 + 4 + 4;
/** Blocks are gathered up to this size before they go to the file. */
const CHUNK_BYTES = 256 * 1024;
/** What may wait for a slow disk. Beyond it frames are left out of the file, and counted. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

/** A frame's way as the guest sees it. */
export type CaptureDirection = "inbound" | "outbound";

/** A capture file that is being written. */
export class PcapngFile {
  /** Frames written so far. */
  frames = 0;
  /** Frames left out because the disk was too slow. */
  dropped = 0;
  /** How many bytes of each frame are kept. */
  readonly snapLength: number;
  readonly #stream: WriteStream;
  readonly #interfaces = new Map<string, number>();
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #failure: Error | null = null;

  /**
   * @param path the file; an old one is replaced
   * @param interfaces names of the interfaces, one for each guest
   * @param snapLength how many bytes of each frame are kept
   */
  constructor(path: string, interfaces: readonly string[], snapLength: number) {
    this.snapLength = snapLength;
    this.#stream = createWriteStream(path);
    this.#stream.on("error", (error) => {
      this.#failure = error;
    });
    this.#put(sectionHeader());
    interfaces.forEach((name, index) => {
      this.#interfaces.set(name, index);
      this.#put(interfaceDescription(name, snapLength));
    });
  }

  /**
   * Adds a frame.
   * @param name one of the interfaces
   * @param data the frame's first bytes; no more than the snap length of them are kept
   * @param lengthBytes the frame's length on the wire
   * @param timeMs when, in milliseconds since 1970, fractions included
   */
  add(name: string, data: Uint8Array, lengthBytes: number, direction: CaptureDirection, timeMs: number): void {
    const index = this.#interfaces.get(name);
    if (index === undefined) throw new RangeError(`"name" expected an interface of the file, got "${name}"`);
    if (this.#failure !== null || this.#stream.writableLength > MOST_WAITING_BYTES) {
      this.dropped++;
      return;
    }
    const kept = Math.min(data.length, lengthBytes, this.snapLength);
    const padded = (kept + 3) & ~3;
    const total = PACKET_BLOCK_BYTES + padded;
    if (this.#used + total > this.#chunk.length) this.#flush(total);
    const chunk = this.#chunk;
    const at = this.#used;
    const micros = Math.round(timeMs * 1000);
    chunk.writeUInt32LE(ENHANCED_PACKET, at);
    chunk.writeUInt32LE(total, at + 4);
    chunk.writeUInt32LE(index, at + 8);
    chunk.writeUInt32LE(Math.floor(micros / TWO_32), at + 12);
    chunk.writeUInt32LE(micros % TWO_32, at + 16);
    chunk.writeUInt32LE(kept, at + 20);
    chunk.writeUInt32LE(lengthBytes, at + 24);
    chunk.set(data.subarray(0, kept), at + 28);
    chunk.fill(0, at + 28 + kept, at + 28 + padded);
    const options = at + 28 + padded;
    chunk.writeUInt16LE(OPTION_PACKET_FLAGS, options);
    chunk.writeUInt16LE(4, options + 2);
    chunk.writeUInt32LE(direction === "inbound" ? FLAG_INBOUND : FLAG_OUTBOUND, options + 4);
    chunk.writeUInt32LE(OPTION_END, options + 8);
    chunk.writeUInt32LE(total, options + 12);
    this.#used += total;
    this.frames++;
  }

  /** Writes what is left and closes the file. @throws the system's error where it could not be written */
  async close(): Promise<void> {
    this.#flush(0);
    if (this.#failure === null) await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
    if (this.#failure !== null) throw this.#failure;
  }

  #put(block: Buffer): void {
    if (this.#used + block.length > this.#chunk.length) this.#flush(block.length);
    this.#chunk.set(block, this.#used);
    this.#used += block.length;
  }

  /** Hands the chunk to the stream and starts a new one that holds at least `nextBytes`. */
  #flush(nextBytes: number): void {
    if (this.#used > 0 && this.#failure === null) this.#stream.write(this.#chunk.subarray(0, this.#used));
    this.#chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, nextBytes));
    this.#used = 0;
  }
}

function sectionHeader(): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4); // version 1.0
  body.writeUInt16LE(0, 6);
  body.writeUInt32LE(LENGTH_UNKNOWN, 8);
  body.writeUInt32LE(LENGTH_UNKNOWN, 12);
  return block(SECTION_HEADER, body);
}

function interfaceDescription(name: string, snapLength: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  head.writeUInt32LE(snapLength, 4);
  const end = Buffer.alloc(4);
  return block(
    INTERFACE_DESCRIPTION,
    Buffer.concat([
      head,
      option(OPTION_INTERFACE_NAME, Buffer.from(name, "utf8")),
      option(OPTION_TIME_RESOLUTION, Buffer.from([MICROSECONDS])),
      end,
    ]),
  );
}

function option(code: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + ((value.length + 3) & ~3));
  padded.writeUInt16LE(code, 0);
  padded.writeUInt16LE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

function block(type: number, body: Buffer): Buffer {
  const whole = Buffer.alloc(12 + body.length);
  whole.writeUInt32LE(type, 0);
  whole.writeUInt32LE(whole.length, 4);
  body.copy(whole, 8);
  whole.writeUInt32LE(whole.length, whole.length - 4);
  return whole;
}
