import type { CaptureWriter, CaptureWriterOptions, FrameStamp } from "./capture-writer.ts";
import type { FileFormat, WriterInterface } from "./file-format.ts";
import { FileWriter } from "./file-writer.ts";
import {
  FILE,
  FILE_HEADER_BYTES,
  FRAME,
  FRAME_HEADER_BYTES,
  LINKTYPE_ETHERNET,
  MAGIC_MICROSECONDS,
  MAGIC_NANOSECONDS,
  VERSION_MAJOR,
  VERSION_MINOR,
} from "./pcap-format.ts";

/** Options of `pcapWriter`. */
export interface PcapWriterOptions extends CaptureWriterOptions {
  /** How finely times are told: nanoseconds, or microseconds for readers older than 2013. Default "ns". */
  readonly resolution?: "ns" | "us";
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Writes the classic format, little-endian, link type Ethernet. It has no place for interfaces, directions and
 * dropped frames: all interfaces go into one file, and `stats` has the counts.
 * @throws TypeError, RangeError for an impossible option
 */
export function pcapWriter(options: PcapWriterOptions): CaptureWriter {
  return new FileWriter(new PcapFormat(options.resolution ?? "ns"), options);
}

class PcapFormat implements FileFormat {
  readonly lastSecond = 0xffff_ffff;
  readonly mostAround: number = FRAME_HEADER_BYTES;
  readonly #magic: number;
  /** Nanoseconds in the unit of the fractions. */
  readonly #unit: number;

  constructor(resolution: "ns" | "us") {
    if (resolution !== "ns" && resolution !== "us") {
      throw new TypeError(`"resolution" expected "ns" or "us", got ${String(resolution)}`);
    }
    this.#magic = resolution === "ns" ? MAGIC_NANOSECONDS : MAGIC_MICROSECONDS;
    this.#unit = resolution === "ns" ? 1 : 1000;
  }

  head(snapLength: number): Uint8Array {
    const bytes = new Uint8Array(FILE_HEADER_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(FILE.magic, this.#magic, true);
    view.setUint16(FILE.major, VERSION_MAJOR, true);
    view.setUint16(FILE.minor, VERSION_MINOR, true);
    view.setUint32(FILE.snapLength, snapLength, true);
    view.setUint32(FILE.linkType, LINKTYPE_ETHERNET, true);
    return bytes;
  }

  interfaces(): Uint8Array {
    return NOTHING;
  }

  tail(): Uint8Array {
    return NOTHING;
  }

  recordBytes(_entry: WriterInterface, _stamp: FrameStamp, kept: number): number {
    return FRAME_HEADER_BYTES + kept;
  }

  writeRecord(
    view: DataView,
    at: number,
    _entry: WriterInterface,
    stamp: FrameStamp,
    kept: number,
    length: number,
  ): number {
    view.setUint32(at + FRAME.seconds, stamp.seconds, true);
    view.setUint32(at + FRAME.fraction, Math.floor(stamp.nanoseconds / this.#unit), true);
    view.setUint32(at + FRAME.captured, kept, true);
    view.setUint32(at + FRAME.length, length, true);
    return at + FRAME_HEADER_BYTES;
  }
}
