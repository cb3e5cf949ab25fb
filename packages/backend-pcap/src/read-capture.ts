import { CaptureReader, type CaptureReaderOptions } from "./capture-reader.ts";
import type { CapturedFrame } from "./captured-frame.ts";

/** Where a capture comes from: all of it, or its pieces, there or still to come. */
export type ByteSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Takes the pieces of a source one by one. */
export type PieceIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

/** The pieces of a source. */
export function piecesOf(source: ByteSource): PieceIterator {
  if (source instanceof Uint8Array) return [source][Symbol.iterator]();
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return source[Symbol.iterator]();
}

/**
 * Reads a capture to its end, frame by frame. Each frame is good until the next is asked for.
 *
 * ```ts
 * import { readCapture } from "@vmmkit/backend-pcap";
 * import { fileSource } from "@vmmkit/backend-pcap/node";
 *
 * const source = fileSource("net.pcapng");
 * for await (const frame of readCapture(source())) console.log(frame.seconds, frame.lengthBytes);
 * ```
 * @throws PcapFormatError where the file is broken, behind the last frame before that; and what the source throws
 */
export async function* readCapture(
  source: ByteSource,
  options: CaptureReaderOptions = {},
): AsyncGenerator<CapturedFrame, void, void> {
  const reader = new CaptureReader(options);
  const pieces = piecesOf(source);
  try {
    for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) {
      reader.push(piece.value);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) yield frame;
    }
    reader.end();
    for (let frame = reader.next(); frame !== null; frame = reader.next()) yield frame;
  } finally {
    await pieces.return?.();
  }
}
