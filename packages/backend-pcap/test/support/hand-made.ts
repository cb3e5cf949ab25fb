import { Bytes, concat } from "./bytes.ts";

// Files of both formats, built from the formats' texts and from nothing of the package.

/** A frame of a hand-made pcap file. */
export interface PcapRecord {
  readonly seconds: number;
  readonly fraction: number;
  readonly data: Uint8Array;
  readonly length?: number;
}

export interface PcapInit {
  readonly littleEndian?: boolean;
  readonly magic?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly snapLength?: number;
  readonly linkType?: number;
}

export const MICRO = 0xa1b2c3d4;
export const NANO = 0xa1b23c4d;
export const MODIFIED = 0xa1b2cd34;

/** A pcap file. */
export function pcapFile(records: readonly PcapRecord[], init: PcapInit = {}): Uint8Array {
  const { littleEndian = true, magic = MICRO, major = 2, minor = 4, snapLength = 65535, linkType = 1 } = init;
  const file = new Bytes(littleEndian).u32(magic).u16(major).u16(minor).u32(0, 0, snapLength, linkType);
  for (const { seconds, fraction, data, length = data.length } of records) {
    const swapped = minor <= 2;
    file.u32(seconds, fraction, swapped ? length : data.length, swapped ? data.length : length);
    // Kuznetzov's: interface index, protocol, packet type, padding.
    if (magic === MODIFIED) file.u32(3).u16(0x0800).u8(4, 0);
    file.raw(data);
  }
  return file.done();
}

export type Option = readonly [code: number, value: Uint8Array];

function optionBytes(littleEndian: boolean, options: readonly Option[]): Uint8Array {
  const bytes = new Bytes(littleEndian);
  for (const [code, value] of options) bytes.u16(code).u16(value.length).raw(value).pad();
  if (options.length > 0) bytes.u32(0);
  return bytes.done();
}

/** A pcapng block around a body. */
export function block(littleEndian: boolean, type: number, body: Uint8Array): Uint8Array {
  const total = 12 + Math.ceil(body.length / 4) * 4;
  return new Bytes(littleEndian).u32(type, total).raw(body).pad().u32(total).done();
}

/** The blocks of a pcapng section in one byte order. */
export class Section {
  readonly littleEndian: boolean;
  readonly #blocks: Uint8Array[] = [];

  constructor(littleEndian = true, major = 1, minor = 0) {
    this.littleEndian = littleEndian;
    const body = this.#bytes().u32(0x1a2b3c4d).u16(major).u16(minor).u32(0xffff_ffff, 0xffff_ffff);
    this.add(0x0a0d0d0a, body.done());
  }

  add(type: number, body: Uint8Array): this {
    this.#blocks.push(block(this.littleEndian, type, body));
    return this;
  }

  interface(options: readonly Option[] = [], linkType = 1, snapLength = 0): this {
    const body = this.#bytes().u16(linkType).u16(0).u32(snapLength).raw(optionBytes(this.littleEndian, options));
    return this.add(1, body.done());
  }

  frame(init: {
    readonly id?: number;
    readonly time?: bigint;
    readonly data: Uint8Array;
    readonly length?: number;
    readonly options?: readonly Option[];
  }): this {
    const { id = 0, time = 0n, data, length = data.length, options = [] } = init;
    const body = this.#bytes().u32(id, Number(time >> 32n), Number(time & 0xffff_ffffn), data.length, length);
    return this.add(6, body.raw(data).pad().raw(optionBytes(this.littleEndian, options)).done());
  }

  /** The obsolete packet block. */
  packet(data: Uint8Array, time: bigint, drops: number, options: readonly Option[] = []): this {
    const body = this.#bytes().u16(0).u16(drops);
    body.u32(Number(time >> 32n), Number(time & 0xffff_ffffn), data.length, data.length);
    return this.add(2, body.raw(data).pad().raw(optionBytes(this.littleEndian, options)).done());
  }

  simple(data: Uint8Array, length = data.length): this {
    return this.add(3, this.#bytes().u32(length).raw(data).done());
  }

  statistics(id: number, options: readonly Option[]): this {
    const body = this.#bytes().u32(id, 0, 0).raw(optionBytes(this.littleEndian, options));
    return this.add(5, body.done());
  }

  u32(value: number): Uint8Array {
    return this.#bytes().u32(value).done();
  }

  u64(value: bigint): Uint8Array {
    return this.#bytes().u64(value).done();
  }

  done(): Uint8Array {
    return concat(...this.#blocks);
  }

  #bytes(): Bytes {
    return new Bytes(this.littleEndian);
  }
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
