import { expect, test } from "vitest";
import { PROTECTED_MODE_ADDRESS, readBzImage, unpackedBzImage } from "../../src/image/bzimage.ts";
import { buildBzImage } from "../support/bzimage.ts";
import { buildElf32 } from "../support/elf.ts";

const ENTRY = 0x100_0000;

test("a bzImage comes apart into setup code, program and payload", () => {
  const image = readBzImage(buildBzImage(Buffer.from("packed kernel"), "6.1.0-50-686"));
  expect(image?.setup.length).toBe(5 * 512);
  expect(Buffer.from(image?.payload ?? []).toString()).toBe("packed kernel");
  expect(image?.release).toBe("6.1.0-50-686");
  expect(image?.unpacked).toBe(false);
});

test("other files are null", () => {
  expect(readBzImage(new Uint8Array(0))).toBeNull();
  expect(readBzImage(new Uint8Array(4096))).toBeNull();
});

test("a payload outside the file is no payload", () => {
  const file = Buffer.from(buildBzImage(Buffer.from("x")));
  file.writeUInt32LE(file.length, 0x24c);
  expect(readBzImage(file)?.payload).toBeNull();
});

test("an unpacked kernel lies at its addresses and is jumped to", () => {
  const kernel = buildElf32(ENTRY + 8, [
    { address: ENTRY, bytes: Buffer.from("text") },
    { address: ENTRY + 0x1000, bytes: Buffer.from("data") },
  ]);
  const original = readBzImage(buildBzImage(Buffer.from("packed")));
  const file = unpackedBzImage(original?.setup ?? new Uint8Array(0), kernel) ?? new Uint8Array(0);
  const image = readBzImage(file);
  const at = (address: number): string =>
    Buffer.from(image?.program ?? []).toString(
      "latin1",
      address - PROTECTED_MODE_ADDRESS,
      address - PROTECTED_MODE_ADDRESS + 4,
    );
  expect(at(ENTRY)).toBe("text");
  expect(at(ENTRY + 0x1000)).toBe("data");
  expect(new DataView(file.buffer).getUint32(0x214, true)).toBe(ENTRY + 8);
  expect(image?.unpacked).toBe(true);
  expect(image?.payload).toBeNull();
  expect(image?.release).toBe("6.1.0-test");
});

test("a kernel that is no ELF file, or wants to lie below the program, is refused", () => {
  const setup = readBzImage(buildBzImage(new Uint8Array(1)))?.setup ?? new Uint8Array(0);
  expect(unpackedBzImage(setup, new Uint8Array(100))).toBeNull();
  expect(unpackedBzImage(setup, buildElf32(0x1000, [{ address: 0x1000, bytes: Buffer.from("low") }]))).toBeNull();
});
