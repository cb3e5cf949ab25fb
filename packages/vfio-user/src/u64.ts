import { CommandError } from "./errors.ts";
import { EINVAL } from "./spec.ts";

/** Reads 64 bits that must fit into a number. @throws CommandError for more than 2^53 - 1 */
export function readU64(view: DataView, offset: number, name: string): number {
  const value = view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
  if (!Number.isSafeInteger(value)) throw new CommandError(EINVAL, `${name} is out of reach`);
  return value;
}

/** Writes a number as 64 bits. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value, true);
  view.setUint32(offset + 4, value / 0x1_0000_0000, true);
}

/** The body's bytes, at least as many as the command needs. @throws CommandError */
export function needBytes(body: DataView, lengthBytes: number): DataView {
  if (body.byteLength >= lengthBytes) return body;
  throw new CommandError(EINVAL, `${body.byteLength} bytes where ${lengthBytes} are needed`);
}
