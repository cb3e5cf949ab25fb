import { IoPortRangeError } from "./errors.ts";
import type { IoPortRange } from "./io-port.ts";

/** The highest port there is. */
export const LAST_PORT = 0xffff;

/** The smallest power of two that is at least `size`, for 1 to 0x10000. */
export function powerOfTwoFor(size: number): number {
  return size <= 1 ? 1 : 1 << (32 - Math.clz32(size - 1));
}

/** The range of `size` ports from `start`. */
export function rangeAt(start: number, size: number): IoPortRange {
  return { start, end: start + size - 1, size };
}

/** "0xc000-0xc03f" */
export function formatRange(range: IoPortRange): string {
  return `0x${range.start.toString(16)}-0x${range.end.toString(16)}`;
}

/** Whether a number names a port. */
export function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LAST_PORT;
}

/** @throws IoPortRangeError for anything but a whole number of ports from 1 to 0x10000 */
export function checkSize(size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > LAST_PORT + 1) {
    throw new IoPortRangeError(`"range.size" expected an integer from 1 to 0x10000, got ${size}`);
  }
}

/** @throws IoPortRangeError for anything but a port */
export function checkPort(name: string, value: number): void {
  if (!isPort(value)) throw new IoPortRangeError(`"${name}" expected an integer from 0 to 0xffff, got ${value}`);
}

/**
 * The range from `start` to `end`, whatever its `size` says.
 * @throws IoPortRangeError where that is none
 */
export function checkedRange(range: IoPortRange): IoPortRange {
  checkPort("range.start", range.start);
  checkPort("range.end", range.end);
  if (range.end < range.start) {
    throw new IoPortRangeError(`"range.end" expected at least range.start ${range.start}, got ${range.end}`);
  }
  return rangeAt(range.start, range.end - range.start + 1);
}
