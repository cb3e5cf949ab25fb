import { Chunk } from "./chunk.ts";
import type { ByteSink, Done } from "./sink.ts";

/** The parts of a file around its frames. */
export interface FileLayout {
  /** The start of a file. */
  head(): Uint8Array;
  /** What describes interfaces `from` to `to`, the last not included; empty where nothing does. */
  interfaces(from: number, to: number): Uint8Array;
  /** How many interfaces there are. */
  interfaceCount(): number;
  /** The end of a file. */
  tail(): Uint8Array;
  /** A chunk did not reach its file. */
  lost(chunk: Chunk): void;
}

/** Work that waits for what it yields. */
type Steps = Generator<Done, void, void>;

/**
 * The way from records of frames to sinks: a bounded number of chunks, written one after the other. The start of a
 * file, its interfaces and its end are written around the chunks, so that a chunk that is lost takes frames along and
 * nothing else, and what is in the file can be read.
 */
export class Output {
  frames = 0;
  bytes = 0;
  files = 0;
  /** What a sink threw first. */
  error: unknown = null;
  readonly #open: (index: number) => ByteSink;
  readonly #layout: FileLayout;
  readonly #chunkBytes: number;
  #unmade: number;
  readonly #free: Chunk[] = [];
  readonly #queue: Chunk[] = [];
  #current: Chunk | null = null;
  /** The file that records are added to. */
  #file = 0;
  /** The file that is being written, where there is one. */
  #sink: ByteSink | null = null;
  #sinkFile = -1;
  #headWritten = false;
  #interfacesWritten = 0;
  #closing = false;
  #draining = false;
  #drained: Promise<void> = Promise.resolve();

  constructor(open: (index: number) => ByteSink, layout: FileLayout, chunkBytes: number, bufferBytes: number) {
    this.#open = open;
    this.#layout = layout;
    this.#chunkBytes = chunkBytes;
    this.#unmade = Math.max(2, Math.ceil(bufferBytes / chunkBytes));
  }

  /** Records that no sink has taken yet. */
  get waiting(): number {
    return this.#queue.reduce((sum, chunk) => sum + chunk.frames, this.#current?.frames ?? 0);
  }

  /** A chunk that has `lengthBytes` bytes left behind those used; null where all are full. */
  reserve(lengthBytes: number): Chunk | null {
    const current = this.#current;
    if (current !== null) {
      if (current.used + lengthBytes <= this.#chunkBytes) return current;
      this.#seal();
    }
    this.#current = this.#takeChunk();
    return this.#current;
  }

  /** What comes now belongs to the next file. */
  nextFile(): void {
    this.#seal();
    this.#file++;
    this.#start();
  }

  /** Gives the sink what is there, and waits until it has it. */
  async flush(): Promise<void> {
    this.#seal();
    while (this.#draining) await this.#drained;
  }

  /** Writes what is there and ends the last file. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#seal();
    this.#file++;
    this.#start();
    await this.flush();
  }

  #takeChunk(): Chunk | null {
    let chunk = this.#free.pop() ?? null;
    if (chunk === null && this.#unmade > 0) {
      this.#unmade--;
      chunk = new Chunk(this.#chunkBytes);
    }
    chunk?.start(this.#file);
    return chunk;
  }

  #seal(): void {
    const chunk = this.#current;
    this.#current = null;
    if (chunk === null) return;
    if (chunk.frames === 0) {
      this.#free.push(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#start();
  }

  #start(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#drained = this.#drain();
  }

  /** Runs without a turn of the event loop in between as long as the sink answers at once. */
  async #drain(): Promise<void> {
    const steps = this.#steps();
    for (let step = steps.next(); !step.done; ) {
      try {
        if (step.value !== undefined) await step.value;
      } catch (error) {
        step = steps.throw(error);
        continue;
      }
      step = steps.next();
    }
    this.#draining = false;
  }

  /** All that there is to do. Yields what it has to wait for. */
  *#steps(): Steps {
    for (;;) {
      const next = this.#queue[0]?.file ?? this.#file;
      if (this.#sink !== null && this.#sinkFile < next) yield* this.#endFile(this.#sink);
      const chunk = this.#queue.shift();
      if (chunk !== undefined) yield* this.#writeChunk(chunk);
      else if (this.#closing && this.#sinkFile < 0) this.#beginEmptyFile();
      else if (this.#sink === null || this.#sinkFile === this.#file) return;
    }
  }

  *#writeChunk(chunk: Chunk): Steps {
    try {
      const sink = this.#sink ?? this.#begin(chunk.file);
      yield* this.#writeHead(sink, chunk.interfaces);
      yield sink.write(chunk.bytes.subarray(0, chunk.used));
      this.bytes += chunk.used;
      this.frames += chunk.frames;
    } catch (error) {
      this.error ??= error;
      this.#layout.lost(chunk);
    }
    this.#free.push(chunk);
  }

  /** A capture without frames is a file all the same. */
  #beginEmptyFile(): void {
    try {
      this.#begin(0);
    } catch (error) {
      this.error ??= error;
      this.#sinkFile = 0;
    }
  }

  #begin(file: number): ByteSink {
    this.#sink = this.#open(file);
    this.#sinkFile = file;
    this.#headWritten = false;
    this.#interfacesWritten = 0;
    this.files++;
    return this.#sink;
  }

  /** What has to stand before records that know `interfaces` interfaces. */
  *#writeHead(sink: ByteSink, interfaces: number): Steps {
    if (!this.#headWritten) {
      yield* this.#write(sink, this.#layout.head());
      this.#headWritten = true;
    }
    if (this.#interfacesWritten < interfaces) {
      yield* this.#write(sink, this.#layout.interfaces(this.#interfacesWritten, interfaces));
      this.#interfacesWritten = interfaces;
    }
  }

  *#endFile(sink: ByteSink): Steps {
    try {
      yield* this.#writeHead(sink, this.#layout.interfaceCount());
      yield* this.#write(sink, this.#layout.tail());
    } catch (error) {
      this.error ??= error;
    }
    this.#sink = null;
    try {
      yield sink.close();
    } catch (error) {
      this.error ??= error;
    }
  }

  *#write(sink: ByteSink, bytes: Uint8Array): Steps {
    if (bytes.length === 0) return;
    yield sink.write(bytes);
    this.bytes += bytes.length;
  }
}
