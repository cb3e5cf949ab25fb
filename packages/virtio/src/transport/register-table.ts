/** A register as data: where it is, how wide it is, what reading and writing it does. */
export interface Register {
  /** Its specification's name. */
  readonly name: string;
  /** Offset in the window. */
  readonly offset: number;
  /** Width in bytes: 1, 2 or 4. */
  readonly bytes: 1 | 2 | 4;
  /** Its value, without sign. Reading may have an effect. */
  read(): number;
  /** Takes a value, without sign. Absent for a read-only register. */
  write?(value: number): void;
}

/**
 * Registers behind a window that the guest reads and writes at any width and offset. An access of a register's own
 * width goes straight to it. Others are put together from, or taken apart into, the registers they touch; bytes
 * that belong to no register read as 0xff and are ignored when written.
 */
export class RegisterTable {
  /** By offset: the register that this byte belongs to. */
  readonly #at: (Register | undefined)[] = [];

  /** @throws RangeError where two registers share a byte */
  constructor(registers: readonly Register[]) {
    for (const register of registers) {
      for (let i = register.offset; i < register.offset + register.bytes; i++) {
        if (this.#at[i] !== undefined) throw new RangeError(`registers overlap at offset ${i}: ${register.name}`);
        this.#at[i] = register;
      }
    }
  }

  /** Bytes from the first register to the last. */
  get length(): number {
    return this.#at.length;
  }

  /** Reads `size` (1, 2 or 4) bytes at `offset`. */
  read(offset: number, size: number): number {
    const register = this.#at[offset];
    if (register !== undefined && register.offset === offset && register.bytes === size) return register.read();
    let value = 0;
    for (let done = 0; done < size; ) {
      const part = this.#at[offset + done];
      // Each register is read once, however many of its bytes are asked for: reading may have an effect.
      const skipped = part === undefined ? 0 : offset + done - part.offset;
      const count = part === undefined ? 1 : Math.min(part.bytes - skipped, size - done);
      const bits = part === undefined ? 0xff : part.read() >>> (8 * skipped);
      value = (value | ((bits & lowBits(count)) << (8 * done))) >>> 0;
      done += count;
    }
    return value;
  }

  /** Writes `size` (1, 2 or 4) bytes at `offset`. Bytes of a register that are not written keep their value. */
  write(offset: number, size: number, value: number): void {
    const register = this.#at[offset];
    if (register !== undefined && register.offset === offset && register.bytes === size) {
      register.write?.((value & lowBits(size)) >>> 0);
      return;
    }
    for (let done = 0; done < size; ) {
      const part = this.#at[offset + done];
      const skipped = part === undefined ? 0 : offset + done - part.offset;
      const count = part === undefined ? 1 : Math.min(part.bytes - skipped, size - done);
      if (part?.write !== undefined) {
        const mask = (lowBits(count) << (8 * skipped)) >>> 0;
        const bits = ((value >>> (8 * done)) << (8 * skipped)) & mask;
        const kept = mask === lowBits(part.bytes) ? 0 : part.read() & ~mask;
        part.write((kept | bits) >>> 0);
      }
      done += count;
    }
  }
}

function lowBits(bytes: number): number {
  // `2 ** bits` is a call: 25 ns of each notification (measured).
  return bytes >= 4 ? 0xffff_ffff : (1 << (8 * bytes)) - 1;
}
