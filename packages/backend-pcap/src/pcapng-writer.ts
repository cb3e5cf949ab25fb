import { type CaptureWriter, type CaptureWriterOptions, FrameDirection, type FrameStamp } from "./capture-writer.ts";
import type { FileFormat, WriterInterface } from "./file-format.ts";
import { FileWriter } from "./file-writer.ts";
import { LINKTYPE_ETHERNET } from "./pcap-format.ts";
import { BlockBuilder } from "./pcapng-block.ts";
import {
  BLOCK,
  BLOCK_TAIL_BYTES,
  BYTE_ORDER_MAGIC,
  FILTER_EXPRESSION,
  FRAME,
  FRAME_OPTION,
  INTERFACE,
  INTERFACE_OPTION,
  LENGTH_UNKNOWN,
  NANOSECONDS,
  OPTION_COMMENT,
  OPTION_END,
  SECTION,
  SECTION_OPTION,
  STATISTICS,
  STATISTICS_OPTION,
  VERSION_MAJOR,
  VERSION_MINOR,
} from "./pcapng-format.ts";
import { nanosecondsHigh, nanosecondsLow } from "./timestamp.ts";

/** Options of `pcapngWriter`. */
export interface PcapngWriterOptions extends CaptureWriterOptions {
  /** What wrote the file. Default "vmmkit". */
  readonly application?: string;
  readonly hardware?: string;
  readonly comment?: string;
}

/** Head and value of the two options of a frame, and the end of options. */
const FLAGS_BYTES = 8;
const DROPS_BYTES = 12;
const END_BYTES = 4;
const TWO_32 = 0x1_0000_0000;

/**
 * Writes pcapng, little-endian: interfaces with name and snap length, times in nanoseconds, each frame's direction and
 * how many were dropped before it, and at the end of a file what was counted by interface.
 * @throws TypeError, RangeError for an impossible option
 */
export function pcapngWriter(options: PcapngWriterOptions): CaptureWriter {
  return new FileWriter(new PcapngFormat(options), options);
}

class PcapngFormat implements FileFormat {
  readonly lastSecond = 2 ** 34;
  readonly mostAround: number = FRAME.data + 3 + FLAGS_BYTES + DROPS_BYTES + END_BYTES + BLOCK_TAIL_BYTES;
  readonly #head: Uint8Array;

  constructor(options: PcapngWriterOptions) {
    const block = new BlockBuilder(BLOCK.section, SECTION.options);
    block.setUint32(SECTION.magic, BYTE_ORDER_MAGIC);
    block.setUint16(SECTION.major, VERSION_MAJOR);
    block.setUint16(SECTION.minor, VERSION_MINOR);
    block.setUint32(SECTION.lengthLow, LENGTH_UNKNOWN);
    block.setUint32(SECTION.lengthHigh, LENGTH_UNKNOWN);
    block.text(OPTION_COMMENT, options.comment);
    block.text(SECTION_OPTION.hardware, options.hardware);
    block.text(SECTION_OPTION.application, options.application ?? "vmmkit");
    this.#head = block.finish();
  }

  head(): Uint8Array {
    return this.#head;
  }

  interfaces(entries: readonly WriterInterface[]): Uint8Array {
    return join(entries.map(interfaceBlock));
  }

  tail(entries: readonly WriterInterface[]): Uint8Array {
    return join(entries.map(statisticsBlock));
  }

  recordBytes(entry: WriterInterface, stamp: FrameStamp, kept: number): number {
    return FRAME.data + padded(kept) + optionBytes(entry, stamp) + BLOCK_TAIL_BYTES;
  }

  writeRecord(
    view: DataView,
    at: number,
    entry: WriterInterface,
    stamp: FrameStamp,
    kept: number,
    length: number,
  ): number {
    const data = at + FRAME.data;
    const options = data + padded(kept);
    const total = this.recordBytes(entry, stamp, kept);
    view.setUint32(at, BLOCK.frame, true);
    view.setUint32(at + 4, total, true);
    view.setUint32(at + FRAME.interface, entry.id, true);
    view.setUint32(at + FRAME.timeHigh, nanosecondsHigh(stamp.seconds, stamp.nanoseconds), true);
    view.setUint32(at + FRAME.timeLow, nanosecondsLow(stamp.seconds, stamp.nanoseconds), true);
    view.setUint32(at + FRAME.captured, kept, true);
    view.setUint32(at + FRAME.length, length, true);
    for (let i = data + kept; i < options; i++) view.setUint8(i, 0);
    writeOptions(view, options, entry, stamp);
    view.setUint32(at + total - BLOCK_TAIL_BYTES, total, true);
    return data;
  }
}

function padded(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}

function optionBytes(entry: WriterInterface, stamp: FrameStamp): number {
  const flags = (stamp.direction ?? FrameDirection.Unknown) === FrameDirection.Unknown ? 0 : FLAGS_BYTES;
  const drops = entry.droppedSince === 0 ? 0 : DROPS_BYTES;
  return flags + drops === 0 ? 0 : flags + drops + END_BYTES;
}

function writeOptions(view: DataView, at: number, entry: WriterInterface, stamp: FrameStamp): void {
  const direction = stamp.direction ?? FrameDirection.Unknown;
  const drops = entry.droppedSince;
  let next = at;
  if (direction !== FrameDirection.Unknown) {
    view.setUint16(next, FRAME_OPTION.flags, true);
    view.setUint16(next + 2, 4, true);
    view.setUint32(next + 4, direction, true);
    next += FLAGS_BYTES;
  }
  if (drops > 0) {
    view.setUint16(next, FRAME_OPTION.dropCount, true);
    view.setUint16(next + 2, 8, true);
    view.setUint32(next + 4, drops % TWO_32, true);
    view.setUint32(next + 8, Math.floor(drops / TWO_32), true);
    next += DROPS_BYTES;
  }
  if (next > at) view.setUint32(next, OPTION_END, true);
}

function interfaceBlock({ init, snapLength }: WriterInterface): Uint8Array {
  const block = new BlockBuilder(BLOCK.interface, INTERFACE.options);
  block.setUint16(INTERFACE.linkType, LINKTYPE_ETHERNET);
  block.setUint32(INTERFACE.snapLength, snapLength);
  block.text(OPTION_COMMENT, init.comment);
  block.text(INTERFACE_OPTION.name, init.name);
  block.text(INTERFACE_OPTION.description, init.description);
  block.bytes(INTERFACE_OPTION.mac, init.mac);
  block.bytes(INTERFACE_OPTION.timeResolution, Uint8Array.of(NANOSECONDS));
  block.text(INTERFACE_OPTION.filter, init.filter, Uint8Array.of(FILTER_EXPRESSION));
  return block.finish();
}

function statisticsBlock(entry: WriterInterface): Uint8Array {
  const block = new BlockBuilder(BLOCK.statistics, STATISTICS.options);
  block.setUint32(STATISTICS.interface, entry.id);
  block.setUint32(STATISTICS.timeHigh, nanosecondsHigh(entry.seconds, entry.nanoseconds));
  block.setUint32(STATISTICS.timeLow, nanosecondsLow(entry.seconds, entry.nanoseconds));
  block.uint64(STATISTICS_OPTION.received, entry.offered);
  block.uint64(STATISTICS_OPTION.dropped, entry.dropped);
  return block.finish();
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
