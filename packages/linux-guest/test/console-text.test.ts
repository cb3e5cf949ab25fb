import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { ConsoleText, consoleTail } from "../src/console-text.ts";

test("bytes of one turn come as one piece of text", async () => {
  const pieces: string[] = [];
  const console = new ConsoleText((text) => pieces.push(text));
  for (const byte of Buffer.from("first\n")) console.add(byte);
  await turn();
  for (const byte of Buffer.from("second\n")) console.add(byte);
  await turn();
  expect(pieces).toEqual(["first\n", "second\n"]);
  expect(console.text).toBe("first\nsecond\n");
});

test("a character of several bytes may be torn apart", async () => {
  const console = new ConsoleText(() => {});
  for (const byte of Buffer.from("é")) {
    console.add(byte);
    await turn();
  }
  expect(console.text).toBe("é");
});

test("only the end of a long console is kept", () => {
  const console = new ConsoleText(() => {});
  console.keep("a".repeat(1 << 18));
  console.keep("end");
  expect(console.text).toHaveLength(1 << 18);
  expect(console.text.endsWith("aend")).toBe(true);
});

test("the tail is the last lines", () => {
  expect(consoleTail("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n")).toBe("2\n3\n4\n5\n6");
});
