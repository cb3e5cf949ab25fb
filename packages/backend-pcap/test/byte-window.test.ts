import { expect, test } from "vitest";
import { ByteWindow } from "../src/byte-window.ts";
import { pattern } from "./support/bytes.ts";

test("shows bytes where they are as long as a piece has all of them", () => {
  const window = new ByteWindow();
  const piece = Uint8Array.of(1, 2, 3, 4, 5);
  window.push(piece);
  expect(window.length).toBe(5);
  expect(window.slice(1, 3).buffer).toBe(piece.buffer);
  expect([window.uint16(0, true), window.uint16(0, false), window.uint32(1, false)]).toEqual([
    0x0201, 0x0102, 0x02030405,
  ]);
});

test("counts the file's bytes as they are read", () => {
  const window = new ByteWindow();
  window.push(pattern(10));
  window.skip(10);
  window.push(pattern(10));
  window.skip(3);
  expect([window.offset, window.length]).toEqual([13, 7]);
});

test("joins what lies across pieces, however short they are", () => {
  const window = new ByteWindow();
  const all = pattern(1000);
  for (const byte of all) window.push(Uint8Array.of(byte));
  expect([...window.slice(0, 1000)]).toEqual([...all]);
  window.skip(999);
  window.push(Uint8Array.of(42));
  expect([...window.slice(0, 2)]).toEqual([all[999], 42]);
});

test("a view of a larger buffer is read from where it starts", () => {
  const window = new ByteWindow();
  window.push(new Uint8Array(Uint8Array.of(9, 9, 1, 0, 0, 0).buffer, 2));
  expect([window.uint8(0), window.uint32(0, true)]).toEqual([1, 1]);
});
