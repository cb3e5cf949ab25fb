import type { ByteWindow } from "./byte-window.ts";
import type { CaptureInterface } from "./captured-frame.ts";
import { PcapFormatError } from "./errors.ts";
import { FILTER_EXPRESSION, INTERFACE_OPTION, MICROSECONDS, POWER_OF_TWO } from "./pcapng-format.ts";
import type { OptionWalk } from "./pcapng-options.ts";
import { decodeText } from "./text.ts";
import { TimeScale } from "./timestamp.ts";

/** An interface, with what is needed to read its frames. */
export interface ParsedInterface {
  readonly info: CaptureInterface;
  readonly scale: TimeScale;
  /** Bytes of check sequence at the end of each frame. */
  readonly fcsBytes: number;
}

/** Reads the options of an interface description. @throws PcapFormatError */
export function readInterface(
  id: number,
  linkType: number,
  snapLength: number,
  options: OptionWalk,
  window: ByteWindow,
): ParsedInterface {
  let resolution = MICROSECONDS;
  let offsetSeconds = 0;
  let fcsBytes = 0;
  const texts: { name?: string; description?: string; filter?: string } = {};
  while (options.next()) {
    const bytes = options.bytes();
    const [first] = bytes;
    if (options.code === INTERFACE_OPTION.name) texts.name = decodeText(bytes);
    else if (options.code === INTERFACE_OPTION.description) texts.description = decodeText(bytes);
    else if (options.code === INTERFACE_OPTION.filter) {
      if (first === FILTER_EXPRESSION) texts.filter = decodeText(bytes.subarray(1));
    } else if (options.code === INTERFACE_OPTION.timeResolution) resolution = first ?? MICROSECONDS;
    else if (options.code === INTERFACE_OPTION.fcsBits) fcsBytes = (first ?? 0) >>> 3;
    else if (options.code === INTERFACE_OPTION.timeOffset) offsetSeconds = readOffset(options, window);
  }
  const base = (resolution & POWER_OF_TWO) === 0 ? 10 : 2;
  const scale = new TimeScale(base, resolution & ~POWER_OF_TWO, offsetSeconds);
  return { info: { id, linkType, snapLength, ...texts }, scale, fcsBytes };
}

/** Seconds to be added to each time: a signed number of 64 bits. */
function readOffset(options: OptionWalk, window: ByteWindow): number {
  const seconds = options.int64();
  if (Number.isSafeInteger(seconds)) return seconds;
  throw new PcapFormatError(`a time offset of ${seconds} seconds`, window.offset);
}
