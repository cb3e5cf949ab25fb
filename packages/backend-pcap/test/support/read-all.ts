import { type CapturedFrame, CaptureReader, type CaptureReaderOptions, type FrameDirection } from "../../src/index.ts";

/** A frame with bytes of its own. */
export interface ReadFrame {
  readonly bytes: Uint8Array;
  readonly lengthBytes: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly interfaceId: number;
  readonly direction: FrameDirection;
}

/** What a reader made of a file: frames, and the error at its end, if there was one. */
export interface ReadResult {
  readonly frames: readonly ReadFrame[];
  readonly error: unknown;
  readonly reader: CaptureReader;
}

/** Reads a file in pieces of some length. */
export function readAll(
  file: Uint8Array,
  pieceBytes = file.length,
  options: CaptureReaderOptions = {},
  look: (frame: CapturedFrame) => void = () => {},
): ReadResult {
  const reader = new CaptureReader(options);
  const frames: ReadFrame[] = [];
  const take = (): void => {
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      look(frame);
      const { lengthBytes, seconds, nanoseconds, interfaceId, direction } = frame;
      frames.push({ bytes: frame.bytes.slice(), lengthBytes, seconds, nanoseconds, interfaceId, direction });
    }
  };
  try {
    for (let at = 0; at < file.length; at += Math.max(1, pieceBytes)) {
      reader.push(file.slice(at, at + Math.max(1, pieceBytes)));
      take();
    }
    reader.end();
    take();
    return { frames, error: null, reader };
  } catch (error) {
    return { frames, error, reader };
  }
}
