import { expect, test } from "vitest";
import { ByteList } from "../src/byte-list.ts";

test("bytes beyond the first capacity are kept", () => {
  const list = new ByteList();
  const text = "0123456789".repeat(100);
  for (const byte of Buffer.from(text)) list.push(byte);
  expect(list.text(0)).toBe(text);
  expect(list.text(5)).toBe(text.slice(0, -5));
});

test("the end is compared whole", () => {
  const list = new ByteList();
  for (const byte of Buffer.from("an end")) list.push(byte);
  expect(list.endsWith(Buffer.from("end"))).toBe(true);
  expect(list.endsWith(Buffer.from("And"))).toBe(false);
  expect(list.endsWith(Buffer.from("longer than an end"))).toBe(false);
});
