import type { ByteWindow } from "./byte-window.ts";
import { FrameDirection } from "./capture-writer.ts";
import type { CapturedFrame, CaptureInterface } from "./captured-frame.ts";
import { PcapFormatError } from "./errors.ts";
import { type Parser, Step } from "./parser.ts";
import {
  BLOCK,
  BLOCK_TAIL_BYTES,
  BYTE_ORDER_MAGIC,
  FLAG_DIRECTION_MASK,
  FLAG_FCS_MASK,
  FLAG_FCS_SHIFT,
  FRAME,
  FRAME_OPTION,
  INTERFACE,
  LONGEST_BLOCK_BYTES,
  PACKET,
  SECTION,
  SIMPLE,
  SMALLEST_BLOCK_BYTES,
  STATISTICS,
  STATISTICS_OPTION,
  VERSION_MAJOR,
} from "./pcapng-format.ts";
import { type ParsedInterface, readInterface } from "./pcapng-interface.ts";
import { OptionWalk } from "./pcapng-options.ts";

/** The obsolete packet block says this where drops were not counted. */
const DROPS_UNKNOWN = 0xffff;

/**
 * Reads pcapng: any number of sections in either byte order, each with its own interfaces. Blocks that say nothing of
 * frames are skipped, as the format has it.
 */
export class PcapngParser implements Parser {
  readonly format = "pcapng";
  skipped = 0;
  #interfaces: ParsedInterface[] = [];
  #littleEndian = true;
  readonly #longest: number;
  readonly #options: OptionWalk = new OptionWalk();

  /** @param longest what a frame may have at most, in bytes */
  constructor(longest: number) {
    this.#longest = longest;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#interfaces.map(({ info }) => info);
  }

  need(window: ByteWindow): number {
    if (window.length < SMALLEST_BLOCK_BYTES) return SMALLEST_BLOCK_BYTES;
    const little = window.uint32(0, true) === BLOCK.section ? readByteOrder(window) : this.#littleEndian;
    const total = window.uint32(4, little);
    if (total < SMALLEST_BLOCK_BYTES || total % 4 !== 0 || total > LONGEST_BLOCK_BYTES) {
      throw new PcapFormatError(`a block of ${total} bytes, which cannot be`, window.offset);
    }
    return total;
  }

  step(window: ByteWindow, frame: CapturedFrame): Step {
    const type = window.uint32(0, this.#littleEndian);
    // The type of a section header reads the same in both byte orders.
    if (type === BLOCK.section) this.#littleEndian = readByteOrder(window);
    const total = window.uint32(4, this.#littleEndian);
    const again = window.uint32(total - BLOCK_TAIL_BYTES, this.#littleEndian);
    if (again !== total) {
      throw new PcapFormatError(`a block of ${total} bytes that ends as one of ${again}`, window.offset);
    }
    const end = total - BLOCK_TAIL_BYTES;
    const step = this.#read(type, window, end, frame);
    window.skip(total);
    return step;
  }

  #read(type: number, window: ByteWindow, end: number, frame: CapturedFrame): Step {
    switch (type) {
      case BLOCK.frame:
        return this.#readFrame(window, end, frame);
      case BLOCK.packet:
        return this.#readPacket(window, end, frame);
      case BLOCK.simplePacket:
        return this.#readSimple(window, end, frame);
      case BLOCK.section:
        this.#readSection(window, end);
        break;
      case BLOCK.interface:
        this.#readInterface(window, end);
        break;
      case BLOCK.statistics:
        this.#readStatistics(window, end);
        break;
      default:
        this.skipped++;
    }
    return Step.Other;
  }

  #readSection(window: ByteWindow, end: number): void {
    checkLength(window, end, SECTION.options, "a section header");
    const major = window.uint16(SECTION.major, this.#littleEndian);
    const minor = window.uint16(SECTION.minor, this.#littleEndian);
    if (major !== VERSION_MAJOR) throw new PcapFormatError(`pcapng version ${major}.${minor}, not 1.x`, window.offset);
    this.#interfaces = [];
  }

  #readInterface(window: ByteWindow, end: number): void {
    checkLength(window, end, INTERFACE.options, "an interface description");
    this.#options.start(window, INTERFACE.options, end, this.#littleEndian);
    this.#interfaces.push(
      readInterface(
        this.#interfaces.length,
        window.uint16(INTERFACE.linkType, this.#littleEndian),
        window.uint32(INTERFACE.snapLength, this.#littleEndian),
        this.#options,
        window,
      ),
    );
  }

  #readStatistics(window: ByteWindow, end: number): void {
    checkLength(window, end, STATISTICS.options, "interface statistics");
    const { info } = this.#interface(window, window.uint32(STATISTICS.interface, this.#littleEndian));
    const options = this.#options;
    options.start(window, STATISTICS.options, end, this.#littleEndian);
    while (options.next()) {
      if (options.code === STATISTICS_OPTION.received) info.received = options.uint64();
      else if (options.code === STATISTICS_OPTION.dropped) info.dropped = options.uint64();
    }
  }

  #readFrame(window: ByteWindow, end: number, frame: CapturedFrame): Step {
    checkLength(window, end, FRAME.data, "a packet block");
    const little = this.#littleEndian;
    const from = this.#interface(window, window.uint32(FRAME.interface, little));
    this.#readTimeAndData(window, end, from, frame);
    return Step.Frame;
  }

  /** The obsolete block differs from today's in its first word alone. */
  #readPacket(window: ByteWindow, end: number, frame: CapturedFrame): Step {
    checkLength(window, end, PACKET.data, "a packet block");
    const from = this.#interface(window, window.uint16(PACKET.interface, this.#littleEndian));
    const drops = window.uint16(PACKET.drops, this.#littleEndian);
    this.#readTimeAndData(window, end, from, frame);
    if (drops !== DROPS_UNKNOWN) frame.drops = drops;
    return Step.Frame;
  }

  #readSimple(window: ByteWindow, end: number, frame: CapturedFrame): Step {
    checkLength(window, end, SIMPLE.data, "a simple packet block");
    const from = this.#interface(window, 0);
    const length = window.uint32(SIMPLE.length, this.#littleEndian);
    const { snapLength } = from.info;
    const captured = snapLength === 0 ? length : Math.min(length, snapLength);
    this.#setFrame(window, end, from, frame, SIMPLE.data, captured);
    frame.lengthBytes = length;
    frame.seconds = 0;
    frame.nanoseconds = 0;
    frame.timed = false;
    return Step.Frame;
  }

  #readTimeAndData(window: ByteWindow, end: number, from: ParsedInterface, frame: CapturedFrame): void {
    const little = this.#littleEndian;
    const captured = window.uint32(FRAME.captured, little);
    this.#setFrame(window, end, from, frame, FRAME.data, captured);
    frame.lengthBytes = window.uint32(FRAME.length, little);
    from.scale.set(window.uint32(FRAME.timeHigh, little), window.uint32(FRAME.timeLow, little));
    frame.seconds = from.scale.seconds;
    frame.nanoseconds = from.scale.nanoseconds;
    frame.timed = true;
    this.#readFrameOptions(window, FRAME.data + ((captured + 3) & ~3), end, frame);
  }

  #setFrame(
    window: ByteWindow,
    end: number,
    from: ParsedInterface,
    frame: CapturedFrame,
    at: number,
    captured: number,
  ): void {
    if (captured > end - at || captured > this.#longest) {
      const most = Math.min(end - at, this.#longest);
      throw new PcapFormatError(`a frame of ${captured} bytes where at most ${most} can be`, window.offset);
    }
    frame.offset = window.offset;
    frame.bytes = window.slice(at, at + captured);
    frame.interfaceId = from.info.id;
    frame.linkType = from.info.linkType;
    frame.fcsBytes = from.fcsBytes;
    frame.direction = FrameDirection.Unknown;
    frame.drops = 0;
  }

  #readFrameOptions(window: ByteWindow, from: number, end: number, frame: CapturedFrame): void {
    const options = this.#options;
    options.start(window, from, end, this.#littleEndian);
    while (options.next()) {
      if (options.code === FRAME_OPTION.flags && options.length >= 4) readFlags(options.uint32(), frame);
      else if (options.code === FRAME_OPTION.dropCount) frame.drops = options.uint64();
    }
  }

  #interface(window: ByteWindow, id: number): ParsedInterface {
    const found = this.#interfaces[id];
    if (found !== undefined) return found;
    const { length } = this.#interfaces;
    throw new PcapFormatError(`a block of interface ${id}, where ${length} are described`, window.offset);
  }
}

function readByteOrder(window: ByteWindow): boolean {
  if (window.uint32(SECTION.magic, true) === BYTE_ORDER_MAGIC) return true;
  if (window.uint32(SECTION.magic, false) === BYTE_ORDER_MAGIC) return false;
  throw new PcapFormatError("a section header without its byte-order magic", window.offset);
}

function checkLength(window: ByteWindow, end: number, least: number, what: string): void {
  if (end < least)
    throw new PcapFormatError(`${what} of ${end + BLOCK_TAIL_BYTES} bytes, which is too short`, window.offset);
}

function readFlags(flags: number, frame: CapturedFrame): void {
  const direction = flags & FLAG_DIRECTION_MASK;
  if (direction === FrameDirection.Inbound || direction === FrameDirection.Outbound) frame.direction = direction;
  const fcsBytes = (flags >>> FLAG_FCS_SHIFT) & FLAG_FCS_MASK;
  if (fcsBytes > 0) frame.fcsBytes = fcsBytes;
}
