import { expect, test } from "vitest";
import { readElf32 } from "../../src/image/elf32.ts";
import { buildElf32 } from "../support/elf.ts";

test("entry, segments at their physical addresses, and sections by name", () => {
  const file = buildElf32(
    0x100_0040,
    [
      { address: 0x100_0000, bytes: Buffer.from("code") },
      { address: 0x100_4000, bytes: Buffer.from("data") },
    ],
    [{ name: ".modinfo", bytes: Buffer.from("depends=\0") }],
  );
  const elf = readElf32(file);
  expect(elf?.entry).toBe(0x100_0040);
  expect(elf?.segments.map(({ address, bytes }) => [address, Buffer.from(bytes).toString()])).toEqual([
    [0x100_0000, "code"],
    [0x100_4000, "data"],
  ]);
  expect(Buffer.from(elf?.section(".modinfo") ?? []).toString()).toBe("depends=\0");
  expect(elf?.section(".text")).toBeNull();
});

test("what is not a 32-bit ELF file is null", () => {
  expect(readElf32(new Uint8Array(0))).toBeNull();
  expect(readElf32(new Uint8Array(100))).toBeNull();
  const elf64 = buildElf32(0, []);
  elf64[4] = 2;
  expect(readElf32(elf64)).toBeNull();
});

test("a file cut short at any place is null or loses its sections, and never throws", () => {
  const file = buildElf32(
    0x1000,
    [{ address: 0x1000, bytes: Buffer.alloc(64) }],
    [{ name: "a", bytes: Buffer.alloc(9) }],
  );
  for (let length = 0; length < file.length; length++) expect(readElf32(file.subarray(0, length))).toBeNull();
});
