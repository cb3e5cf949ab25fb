import { copyBytes, Frame, MAC_BYTES } from "@vmmkit/ethif";
import type { CaptureWriter, CaptureWriterOptions, FrameStamp, InterfaceInit, WriterStats } from "./capture-writer.ts";
import { checkInteger } from "./check.ts";
import type { Chunk } from "./chunk.ts";
import { type FileFormat, WriterInterface } from "./file-format.ts";
import { type FileLayout, Output } from "./output.ts";
import { LONGEST_SNAP_LENGTH } from "./pcap-format.ts";
import type { ByteSink } from "./sink.ts";
import { NANOSECONDS_PER_SECOND } from "./timestamp.ts";

const DEFAULT_BUFFER_BYTES = 4 * 1024 * 1024;
const DEFAULT_CHUNK_BYTES = 64 * 1024;
const MOST_BUFFER_BYTES = 2 ** 31;
const NONE: Uint8Array = new Uint8Array(0);

/** What the writers of all formats have in common: interfaces, limits, rotation, counting. */
export class FileWriter implements CaptureWriter {
  readonly #format: FileFormat;
  readonly #lastSecond: number;
  readonly #output: Output;
  readonly #snapLength: number;
  readonly #rotateBytes: number;
  readonly #rotateFrames: number;
  readonly #interfaces: WriterInterface[] = [];
  /** For bytes that are no card's frame. */
  readonly #plain: Frame = new Frame();
  #noSpace = 0;
  #failed = 0;
  #late = 0;
  /** Set by `close`. */
  #closing: Promise<void> | null = null;
  /** Of the file that records are added to: records, their bytes, and the bytes around them. */
  #fileFrames = 0;
  #fileBytes = 0;
  #aroundBytes = 0;

  /** @throws TypeError, RangeError for an impossible option */
  constructor(format: FileFormat, options: CaptureWriterOptions) {
    const { snapLength, rotateBytes, rotateFrames, bufferBytes, chunkBytes } = options;
    this.#format = format;
    this.#lastSecond = format.lastSecond;
    this.#snapLength = checkInteger("snapLength", snapLength ?? LONGEST_SNAP_LENGTH, 1, LONGEST_SNAP_LENGTH);
    this.#rotateBytes = checkLimit("rotateBytes", rotateBytes);
    this.#rotateFrames = checkLimit("rotateFrames", rotateFrames);
    const buffer = checkInteger("bufferBytes", bufferBytes ?? DEFAULT_BUFFER_BYTES, 0, MOST_BUFFER_BYTES);
    const chunk = checkInteger("chunkBytes", chunkBytes ?? DEFAULT_CHUNK_BYTES, 1, MOST_BUFFER_BYTES);
    const open = opener(options.sink, rotateBytes !== undefined || rotateFrames !== undefined);
    const longest = format.mostAround + this.#snapLength;
    this.#output = new Output(open, this.#layout(), Math.max(chunk, longest), buffer);
    this.#measure();
  }

  addInterface(init: InterfaceInit = {}): number {
    const snapLength = checkInteger("snapLength", init.snapLength ?? this.#snapLength, 1, this.#snapLength);
    if (init.mac !== undefined && init.mac.length !== MAC_BYTES) {
      throw new RangeError(`"mac" expected ${MAC_BYTES} bytes, got ${init.mac.length}`);
    }
    const id = this.#interfaces.length;
    const mac = init.mac?.slice();
    this.#interfaces.push(new WriterInterface(id, { ...init, ...(mac !== undefined && { mac }) }, snapLength));
    this.#measure();
    return id;
  }

  add(stamp: FrameStamp, bytes: Uint8Array): boolean {
    const plain = this.#plain;
    plain.clear();
    if (bytes.length > 0) plain.push(bytes, 0, bytes.length);
    const taken = this.addFrame(stamp, plain);
    plain.bytes[0] = NONE;
    return taken;
  }

  addFrame(stamp: FrameStamp, frame: Frame): boolean {
    const entry = this.#entry(stamp.interfaceId ?? 0);
    const { seconds } = stamp;
    const last = this.#lastSecond;
    // Compared here: handed to a function, a limit beyond 31 bits is allocated each time.
    if (!(seconds >= 0 && seconds <= last && Number.isInteger(seconds))) checkInteger("seconds", seconds, 0, last);
    checkInteger("nanoseconds", stamp.nanoseconds, 0, NANOSECONDS_PER_SECOND - 1);
    const length = checkInteger("lengthBytes", stamp.lengthBytes ?? frame.totalBytes, 0, 0xffff_ffff);
    const kept = Math.min(length, frame.totalBytes, entry.snapLength, stamp.snapLength ?? entry.snapLength);
    entry.offered++;
    if (this.#closing !== null) {
      this.#late++;
      return false;
    }
    const recordBytes = this.#format.recordBytes(entry, stamp, kept);
    this.#rotate(recordBytes);
    const chunk = this.#output.reserve(recordBytes);
    if (chunk === null) {
      this.#noSpace++;
      entry.dropped++;
      entry.droppedSince++;
      return false;
    }
    const at = this.#format.writeRecord(chunk.view, chunk.used, entry, stamp, kept, length);
    copyRanges(frame, chunk.bytes, at, kept);
    this.#commit(chunk, entry, stamp, recordBytes);
    return true;
  }

  flush(): Promise<void> {
    return this.#closing ?? this.#output.flush();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  stats(): WriterStats {
    const { frames, bytes, files, waiting, error } = this.#output;
    const dropped = { noSpace: this.#noSpace, failed: this.#failed, closed: this.#late };
    return { frames, bytes, files, waiting, dropped, error };
  }

  #commit(chunk: Chunk, entry: WriterInterface, stamp: FrameStamp, recordBytes: number): void {
    chunk.commit(entry.id, recordBytes, entry.droppedSince);
    entry.droppedSince = 0;
    entry.seconds = stamp.seconds;
    entry.nanoseconds = stamp.nanoseconds;
    this.#fileFrames++;
    this.#fileBytes += recordBytes;
  }

  #entry(id: number): WriterInterface {
    const entry = this.#interfaces[id];
    if (entry !== undefined) return entry;
    // One that nobody described: the usual case of a file with a single interface.
    if (id === 0) this.addInterface();
    const made = this.#interfaces[id];
    if (made === undefined) throw new RangeError(`"interfaceId" expected one from addInterface, got ${id}`);
    return made;
  }

  #rotate(nextBytes: number): void {
    if (this.#fileFrames === 0) return;
    const bytes = this.#aroundBytes + this.#fileBytes + nextBytes;
    if (this.#fileFrames < this.#rotateFrames && bytes <= this.#rotateBytes) return;
    this.#fileFrames = 0;
    this.#fileBytes = 0;
    this.#output.nextFile();
  }

  /** What a file has around its records. */
  #measure(): void {
    const format = this.#format;
    const all = this.#interfaces;
    const parts = [format.head(this.#snapLength), format.interfaces(all), format.tail(all)];
    this.#aroundBytes = parts.reduce((sum, part) => sum + part.length, 0);
  }

  async #end(): Promise<void> {
    await this.#output.close();
    if (this.#output.error !== null) throw this.#output.error;
  }

  #layout(): FileLayout {
    const format = this.#format;
    return {
      head: () => format.head(this.#snapLength),
      interfaces: (from, to) => format.interfaces(this.#interfaces.slice(from, to)),
      interfaceCount: () => this.#interfaces.length,
      tail: () => format.tail(this.#interfaces),
      lost: (chunk) => this.#lost(chunk),
    };
  }

  #lost(chunk: Chunk): void {
    this.#failed += chunk.frames;
    for (const entry of this.#interfaces) {
      const frames = chunk.framesOf[entry.id] ?? 0;
      entry.dropped += frames;
      entry.droppedSince += frames + (chunk.dropsOf[entry.id] ?? 0);
    }
  }
}

function checkLimit(name: string, value: number | undefined): number {
  return value === undefined ? Number.POSITIVE_INFINITY : checkInteger(name, value, 1, Number.MAX_SAFE_INTEGER);
}

function opener(sink: CaptureWriterOptions["sink"], rotates: boolean): (index: number) => ByteSink {
  if (typeof sink === "function") return sink;
  if (rotates) throw new TypeError('"sink" expected a function that opens the files, as they rotate, got one sink');
  return () => sink;
}

/** Copies the first `count` bytes of a frame, which has that many. */
function copyRanges(frame: Frame, target: Uint8Array, at: number, count: number): void {
  let left = count;
  for (let i = 0; left > 0 && i < frame.rangeCount; i++) {
    const bytes = frame.bytes[i];
    const part = Math.min(left, frame.length[i] ?? 0);
    if (bytes !== undefined) copyBytes(bytes, frame.offset[i] ?? 0, target, at + count - left, part);
    left -= part;
  }
}
