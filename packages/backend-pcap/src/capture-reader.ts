import { ByteWindow } from "./byte-window.ts";
import { CapturedFrame, type CaptureInterface } from "./captured-frame.ts";
import { checkInteger } from "./check.ts";
import { PcapFormatError } from "./errors.ts";
import { type Parser, Step } from "./parser.ts";
import { LONGEST_SNAP_LENGTH, MAGIC_MICROSECONDS, MAGIC_MODIFIED, MAGIC_NANOSECONDS } from "./pcap-format.ts";
import { PcapParser } from "./pcap-parser.ts";
import { BLOCK } from "./pcapng-format.ts";
import { PcapngParser } from "./pcapng-parser.ts";

const MAGIC_BYTES = 4;
const PCAP_MAGICS: readonly number[] = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS, MAGIC_MODIFIED];

/** What a file may be instead, by its first bytes: whoever has one is told. */
const FOREIGN: readonly { readonly start: readonly number[]; readonly what: string }[] = [
  { start: [0x1f, 0x8b], what: "compressed with gzip" },
  { start: [0x28, 0xb5, 0x2f, 0xfd], what: "compressed with zstd" },
  { start: [0x04, 0x22, 0x4d, 0x18], what: "compressed with LZ4" },
  { start: [0xfd, 0x37, 0x7a, 0x58], what: "compressed with xz" },
];

/** Options of `CaptureReader`. */
export interface CaptureReaderOptions {
  /** What a frame may have at most, in bytes; a longer one is an error. 1 to 16 MiB. Default 262144. */
  readonly longestFrame?: number;
}

/**
 * Reads a capture that comes piece by piece, pcap or pcapng, whichever it is. Push pieces in, take frames out until
 * there is none, and so on; `end` after the last piece.
 *
 * ```ts
 * import { CaptureReader } from "@vmmkit/backend-pcap";
 *
 * function lengths(file: Uint8Array): number[] {
 *   const reader = new CaptureReader();
 *   reader.push(file);
 *   reader.end();
 *   const found: number[] = [];
 *   for (let frame = reader.next(); frame !== null; frame = reader.next()) found.push(frame.lengthBytes);
 *   return found;
 * }
 * ```
 */
export class CaptureReader {
  readonly #longest: number;
  readonly #window: ByteWindow = new ByteWindow();
  readonly #frame: CapturedFrame = new CapturedFrame();
  #parser: Parser | null = null;
  #ended = false;
  #error: PcapFormatError | null = null;

  /** @throws RangeError for an impossible option */
  constructor(options: CaptureReaderOptions = {}) {
    this.#longest = checkInteger("longestFrame", options.longestFrame ?? LONGEST_SNAP_LENGTH, 1, 16 * 1024 * 1024);
  }

  /** Which format it is; null as long as that is not known. */
  get format(): "pcap" | "pcapng" | null {
    return this.#parser?.format ?? null;
  }

  /** The interfaces that the file has described so far, of the section that is being read. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#parser?.interfaces ?? [];
  }

  /** Blocks that say nothing of frames, and were skipped. */
  get skipped(): number {
    return this.#parser?.skipped ?? 0;
  }

  /** Adds a piece of the file. Its bytes have to stay as they are until `next` has answered null. */
  push(piece: Uint8Array): void {
    if (piece.length > 0) this.#window.push(piece);
  }

  /** There are no more pieces. */
  end(): void {
    this.#ended = true;
  }

  /**
   * The next frame; null where another piece is needed for it, or the file has no more. The object, and the bytes it
   * refers to, are good until the next call.
   * @throws PcapFormatError where the file is broken or ends in the middle. All frames before that were answered.
   */
  next(): CapturedFrame | null {
    if (this.#error !== null) throw this.#error;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof PcapFormatError) this.#error = error;
      throw error;
    }
  }

  #next(): CapturedFrame | null {
    const window = this.#window;
    this.#parser ??= this.#recognize();
    const parser = this.#parser;
    if (parser === null) return null;
    for (;;) {
      if (window.length === 0 && this.#ended) return null;
      const need = parser.need(window);
      if (window.length < need) return this.#wait(need);
      // What was there may have been no more than what tells the length.
      if (window.length < parser.need(window)) return this.#wait(parser.need(window));
      if (parser.step(window, this.#frame) === Step.Frame) return this.#frame;
    }
  }

  #recognize(): Parser | null {
    const window = this.#window;
    if (window.length < MAGIC_BYTES) return this.#wait(MAGIC_BYTES);
    const little = window.uint32(0, true);
    const big = window.uint32(0, false);
    if (big === BLOCK.section) return new PcapngParser(this.#longest);
    if (PCAP_MAGICS.includes(little)) return new PcapParser(little, true, this.#longest);
    if (PCAP_MAGICS.includes(big)) return new PcapParser(big, false, this.#longest);
    const foreign = FOREIGN.find(({ start }) => start.every((byte, i) => window.uint8(i) === byte));
    if (foreign !== undefined) throw new PcapFormatError(`a file ${foreign.what}: decompress it first`, 0);
    throw new PcapFormatError(`neither pcap nor pcapng: it starts with 0x${big.toString(16).padStart(8, "0")}`, 0);
  }

  /** Null as long as there may be more. @throws PcapFormatError where there is not */
  #wait(need: number): null {
    const { length, offset } = this.#window;
    if (!this.#ended) return null;
    throw new PcapFormatError(`the file is cut off: ${need} bytes should follow and ${length} do`, offset);
  }
}
