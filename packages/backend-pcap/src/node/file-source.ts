import { createReadStream } from "node:fs";

const PIECE_BYTES = 256 * 1024;

/** A capture file to be read, as often as it is asked for: the `source` of a replay, or of `readCapture`. */
export function fileSource(path: string): () => AsyncIterable<Uint8Array> {
  return () => createReadStream(path, { highWaterMark: PIECE_BYTES });
}
