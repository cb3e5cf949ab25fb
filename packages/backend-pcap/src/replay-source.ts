import type { ByteSource } from "./read-capture.ts";

/** Opens a capture once more. */
export type OpenSource = () => ByteSource | Promise<ByteSource>;

/**
 * @param times how many times it is to be opened
 * @throws TypeError where the source is none, or cannot be opened that often
 */
export function checkSource(source: ByteSource | OpenSource, times: number): OpenSource {
  if (typeof source === "function") return source;
  if (typeof source !== "object" || source === null) {
    throw new TypeError(`"source" expected bytes, pieces of bytes or a function, got ${String(source)}`);
  }
  if (times > 1 && !(source instanceof Uint8Array)) {
    throw new TypeError('"source" expected a function that opens it, as "times" is more than 1');
  }
  return () => source;
}
