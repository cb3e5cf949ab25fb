import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readBzImage } from "../../src/image/bzimage.ts";
import { unpackKernel } from "../../src/image/unpack-kernel.ts";
import { buildBzImage } from "../support/bzimage.ts";
import { buildElf32 } from "../support/elf.ts";

test("a compressed kernel becomes one that boots without unpacking", async () => {
  const kernel = buildElf32(0x100_0000, [{ address: 0x100_0000, bytes: Buffer.from("kernel") }]);
  const unpacked = await unpackKernel(buildBzImage(gzipSync(kernel)));
  expect(readBzImage(unpacked ?? new Uint8Array(0))?.unpacked).toBe(true);
});

test("an unknown compression, or what is no kernel, is left alone", async () => {
  expect(await unpackKernel(buildBzImage(Buffer.from("LZ4?LZ4?LZ4?")))).toBeNull();
  expect(await unpackKernel(new Uint8Array(4096))).toBeNull();
});
