import { RequestError } from "./errors.ts";

/** A ring and a number that is said of it. */
export interface VringState {
  readonly index: number;
  readonly num: number;
}

/** 64 bits as an exact number. @throws RequestError for more than 2^53 - 1, or where the message is too short */
export function readU64(body: DataView, offset = 0): number {
  need(body, offset + 8);
  const value = body.getUint32(offset + 4, true) * 0x1_0000_0000 + body.getUint32(offset, true);
  if (!Number.isSafeInteger(value)) throw new RequestError("a number that is out of reach");
  return value;
}

/** 64 bits as two words: bits 0 to 31, and 32 to 63. @throws RequestError */
export function readWords(body: DataView): readonly [low: number, high: number] {
  need(body, 8);
  return [body.getUint32(0, true), body.getUint32(4, true)];
}

/** @throws RequestError */
export function readVringState(body: DataView): VringState {
  need(body, 8);
  return { index: body.getUint32(0, true), num: body.getUint32(4, true) };
}

/** An answer of 64 bits: two words. */
export function u64(low: number, high = 0): Uint8Array {
  return words(low, high);
}

/** An answer of words of 32 bits. */
export function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** @throws RequestError where a message is too short */
export function need(body: DataView, lengthBytes: number): void {
  if (body.byteLength >= lengthBytes) return;
  throw new RequestError(`${body.byteLength} bytes where ${lengthBytes} are needed`);
}
