import type { ByteWindow } from "./byte-window.ts";
import { FrameDirection } from "./capture-writer.ts";
import type { CapturedFrame, CaptureInterface } from "./captured-frame.ts";
import { PcapFormatError } from "./errors.ts";
import { type Parser, Step } from "./parser.ts";
import {
  FCS_PRESENT,
  FCS_SHIFT,
  FILE,
  FILE_HEADER_BYTES,
  FRAME,
  FRAME_HEADER_BYTES,
  LINK_TYPE_MASK,
  MAGIC_MODIFIED,
  MAGIC_NANOSECONDS,
  MODIFIED_FRAME,
  MODIFIED_FRAME_HEADER_BYTES,
  PACKET_OUTGOING,
  VERSION_MAJOR,
} from "./pcap-format.ts";

/** Before 2.3 a frame's length came before what was kept of it; 2.3 was written both ways. */
const LAST_SWAPPED_MINOR = 2;
const MIXED_MINOR = 3;

/** Reads the classic format, in both byte orders, with microseconds or nanoseconds, or as modified by Kuznetzov. */
export class PcapParser implements Parser {
  readonly format = "pcap";
  readonly interfaces: CaptureInterface[] = [];
  readonly skipped = 0;
  readonly #littleEndian: boolean;
  readonly #modified: boolean;
  readonly #unitsPerSecond: number;
  readonly #nanosecondsPerUnit: number;
  readonly #headerBytes: number;
  readonly #longest: number;
  #minor = 0;
  #linkType = 0;
  #fcsBytes = 0;

  /**
   * @param magic the file's first word, read in its byte order
   * @param longest what a frame may have at most, in bytes
   */
  constructor(magic: number, littleEndian: boolean, longest: number) {
    this.#littleEndian = littleEndian;
    this.#longest = longest;
    this.#modified = magic === MAGIC_MODIFIED;
    this.#unitsPerSecond = magic === MAGIC_NANOSECONDS ? 1_000_000_000 : 1_000_000;
    this.#nanosecondsPerUnit = magic === MAGIC_NANOSECONDS ? 1 : 1000;
    this.#headerBytes = this.#modified ? MODIFIED_FRAME_HEADER_BYTES : FRAME_HEADER_BYTES;
  }

  need(window: ByteWindow): number {
    if (this.interfaces.length === 0) return FILE_HEADER_BYTES;
    if (window.length < this.#headerBytes) return this.#headerBytes;
    return this.#headerBytes + this.#captured(window);
  }

  step(window: ByteWindow, frame: CapturedFrame): Step {
    if (this.interfaces.length === 0) {
      this.#readFileHeader(window);
      return Step.Other;
    }
    this.#readFrame(window, frame);
    return Step.Frame;
  }

  #readFileHeader(window: ByteWindow): void {
    const little = this.#littleEndian;
    const major = window.uint16(FILE.major, little);
    const minor = window.uint16(FILE.minor, little);
    if (major !== VERSION_MAJOR) throw new PcapFormatError(`pcap version ${major}.${minor}, not 2.x`, window.offset);
    this.#minor = minor;
    const type = window.uint32(FILE.linkType, little);
    this.#linkType = type & LINK_TYPE_MASK;
    this.#fcsBytes = (type & FCS_PRESENT) === 0 ? 0 : (type >>> FCS_SHIFT) * 2;
    this.interfaces.push({
      id: 0,
      linkType: this.#linkType,
      snapLength: window.uint32(FILE.snapLength, little),
    });
    window.skip(FILE_HEADER_BYTES);
  }

  #readFrame(window: ByteWindow, frame: CapturedFrame): void {
    const little = this.#littleEndian;
    const captured = this.#captured(window);
    const first = window.uint32(FRAME.captured, little);
    const second = window.uint32(FRAME.length, little);
    const fraction = window.uint32(FRAME.fraction, little);
    const carry = Math.floor(fraction / this.#unitsPerSecond);
    frame.offset = window.offset;
    frame.bytes = window.slice(this.#headerBytes, this.#headerBytes + captured);
    frame.lengthBytes = captured === first ? second : first;
    frame.seconds = window.uint32(FRAME.seconds, little) + carry;
    frame.nanoseconds = (fraction - carry * this.#unitsPerSecond) * this.#nanosecondsPerUnit;
    frame.timed = true;
    frame.interfaceId = 0;
    frame.linkType = this.#linkType;
    frame.direction = this.#modified ? this.#direction(window) : FrameDirection.Unknown;
    frame.fcsBytes = this.#fcsBytes;
    frame.drops = 0;
    window.skip(this.#headerBytes + captured);
  }

  #direction(window: ByteWindow): FrameDirection {
    return window.uint8(MODIFIED_FRAME.packetType) === PACKET_OUTGOING
      ? FrameDirection.Outbound
      : FrameDirection.Inbound;
  }

  /** How many bytes of data the next record has. */
  #captured(window: ByteWindow): number {
    const first = window.uint32(FRAME.captured, this.#littleEndian);
    const second = window.uint32(FRAME.length, this.#littleEndian);
    const swapped = this.#minor <= LAST_SWAPPED_MINOR || (this.#minor === MIXED_MINOR && first > second);
    const captured = swapped ? second : first;
    if (captured > this.#longest) {
      throw new PcapFormatError(`a frame of ${captured} bytes, more than ${this.#longest}`, window.offset);
    }
    return captured;
  }
}
