import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Register, RegisterTable } from "../src/transport/register-table.ts";

/** A register that keeps what it is given, and counts. */
function register(name: string, offset: number, bytes: 1 | 2 | 4, value = 0) {
  const self = {
    name,
    offset,
    bytes,
    value,
    reads: 0,
    writes: [] as number[],
    read: () => {
      self.reads++;
      return self.value;
    },
    write: (written: number) => {
      self.writes.push(written);
      self.value = written;
    },
  };
  return self satisfies Register;
}

/** dword at 0, word at 4, a hole at 6, byte at 7, read-only byte at 8. */
function sample() {
  const dword = register("dword", 0, 4, 0xfedc_ba98);
  const word = register("word", 4, 2, 0x7654);
  const byte = register("byte", 7, 1, 0x32);
  let readOnlyReads = 0;
  const readOnly: Register = {
    name: "read-only",
    offset: 8,
    bytes: 1,
    read: () => {
      readOnlyReads++;
      return 0xa5;
    },
  };
  const table = new RegisterTable([dword, word, byte, readOnly]);
  return { dword, word, byte, table, readOnlyReads: () => readOnlyReads };
}

const BYTES = [0x98, 0xba, 0xdc, 0xfe, 0x54, 0x76, 0xff, 0x32, 0xa5, 0xff, 0xff, 0xff];

describe("reading registers", () => {
  it.each([1, 2, 4])("%i bytes at any offset give those bytes, and ones where no register is", (size) => {
    for (let offset = 0; offset + size <= BYTES.length; offset++) {
      const expected = BYTES.slice(offset, offset + size).reduceRight((value, byte) => value * 256 + byte, 0);
      expect(sample().table.read(offset, size), `at ${offset}`).toBe(expected);
    }
  });

  it("reads each register that is touched once, and no other", () => {
    const { dword, word, byte, table, readOnlyReads } = sample();
    table.read(2, 4);
    expect([dword.reads, word.reads, byte.reads]).toEqual([1, 1, 0]);
    table.read(5, 4);
    expect([dword.reads, word.reads, byte.reads, readOnlyReads()]).toEqual([1, 2, 1, 1]);
  });

  it("knows its length", () => {
    expect(sample().table.length).toBe(9);
  });
});

describe("writing registers", () => {
  it("hands a register of the same width the value, without sign and without bits beyond the width", () => {
    const { dword, word, byte, table } = sample();
    table.write(0, 4, -1);
    table.write(4, 2, 0x1_2345);
    table.write(7, 1, 0x100);
    expect([dword.writes, word.writes, byte.writes]).toEqual([[0xffff_ffff], [0x2345], [0]]);
  });

  it("keeps the bytes that are not written", () => {
    const { dword, word, table } = sample();
    table.write(1, 1, 0x11);
    table.write(2, 2, 0x3322);
    table.write(5, 1, 0x44);
    expect([dword.writes, word.writes]).toEqual([[0xfedc_1198, 0x3322_1198], [0x4454]]);
  });

  it("reaches each register of a wide write once, in order, over holes and read-only ones", () => {
    const { dword, word, byte, table } = sample();
    table.write(3, 4, 0x4433_2211);
    table.write(6, 4, 0x8877_6655);
    expect([dword.writes, word.writes, byte.writes]).toEqual([[0x11dc_ba98], [0x3322], [0x66]]);
    table.write(100, 4, 0);
  });
});

describe("a table", () => {
  it("refuses registers that share a byte, by name", () => {
    const make = () => new RegisterTable([register("a", 0, 4), register("b", 3, 1)]);
    expect(make).toThrow(RangeError);
    expect(make).toThrow("registers overlap at offset 3: b");
  });

  it("behaves like bytes, whatever is written where", () => {
    const access = fc.record({
      offset: fc.nat(11),
      size: fc.constantFrom(1, 2, 4),
      value: fc.integer({ min: 0, max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (accesses) => {
        const { table } = sample();
        const bytes = [...BYTES, 0xff, 0xff, 0xff];
        for (const { offset, size, value } of accesses) {
          table.write(offset, size, value);
          for (let i = 0; i < size; i++) {
            if (offset + i < 8 && offset + i !== 6) bytes[offset + i] = Math.floor(value / 256 ** i) % 256;
          }
          const read = Array.from({ length: bytes.length }, (_, at) => table.read(at, 1));
          expect(read).toEqual(bytes);
        }
      }),
    );
  });
});
