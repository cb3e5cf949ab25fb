import type { PciEntry } from "../../src/index.ts";

/** 256 bytes that take every write, and a log of the accesses: stands for a real function behind a wrapper. */
export class RawEntry implements PciEntry {
  readonly bytes: Uint8Array = new Uint8Array(256);
  readonly log: string[] = [];

  constructor(bytes: Readonly<Record<number, number>> = {}) {
    for (const [offset, byte] of Object.entries(bytes)) this.bytes[Number(offset)] = byte;
  }

  ioRead(offset: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value += (this.bytes[offset + i] ?? 0) * 256 ** i;
    return value;
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.log.push(`${offset.toString(16)} ${size} ${value.toString(16)}`);
    for (let i = 0; i < size; i++) this.bytes[offset + i] = value >>> (8 * i);
  }
}
