import { execFileSync, spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { decompress, isCompressed } from "../../src/image/decompress.ts";

/** "vmmkit unpacks this" as xz, with a CRC32 as the kernel's build makes it. */
const XZ = Buffer.from(
  "/Td6WFoAAAFpIt42AgAhARYAAAB0L+WjAQASdm1ta2l0IHVucGFja3MgdGhpcwAAQvpYGgABJxOQRv1+kEKZDQEAAAAAAVla",
  "base64",
);
const hasDpkg = spawnSync("dpkg-deb", ["--version"]).status === 0;

test("gzip is unpacked", async () => {
  expect(Buffer.from((await decompress(gzipSync("some text"))) ?? []).toString()).toBe("some text");
});

test.skipIf(!hasDpkg)("xz is unpacked (skipped where there is no dpkg-deb)", async () => {
  expect(Buffer.from((await decompress(XZ)) ?? []).toString()).toBe("vmmkit unpacks this");
});

test.skipIf(!hasDpkg || spawnSync("zstd", ["--version"]).status !== 0)(
  "zstd is unpacked (skipped where there is no dpkg-deb or zstd)",
  async () => {
    const packed = execFileSync("zstd", ["-c"], { input: "some text" });
    expect(Buffer.from((await decompress(packed)) ?? []).toString()).toBe("some text");
  },
);

test.skipIf(!hasDpkg)("a damaged file is null", async () => {
  const damaged = Buffer.from(XZ);
  damaged.fill(0, 24, 40);
  expect(await decompress(damaged)).toBeNull();
});

test("other bytes are null and not compressed", async () => {
  expect(await decompress(Buffer.from("plain"))).toBeNull();
  expect(isCompressed(Buffer.from("plain"))).toBe(false);
  expect(isCompressed(XZ)).toBe(true);
  expect(isCompressed(gzipSync(""))).toBe(true);
});
