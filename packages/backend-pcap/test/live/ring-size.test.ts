import { expect, test } from "vitest";
import { ringBytes } from "../../src/live/ring-size.ts";

test("a ring of long frames holds as many as were asked for", () => {
  // A slot of 65553 bytes and headers takes a block of 128 KB.
  expect(ringBytes(65_553, 256, true)).toBe(256 * 131_072);
});

test("short frames share a block, and the ring is not smaller than libpcap's own", () => {
  expect(ringBytes(1518, 256, true)).toBe(2 << 20);
  // Slots of 1632 bytes: two in a page.
  expect(ringBytes(1518, 10_000, true)).toBe(5000 * 4096);
});

test("gathered frames have at least 64 blocks", () => {
  expect(ringBytes(1518, 256, false)).toBe(16 << 20);
});

test("the size stays what libpcap can be told", () => {
  expect(ringBytes(262_144, 65_536, true)).toBe(1 << 30);
});
