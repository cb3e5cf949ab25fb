import { describe, expect, it } from "vitest";
import { EmulatorWord } from "../src/emulator-word.ts";

describe("EmulatorWord", () => {
  it("reads and writes the variable, which others change too", () => {
    const memory = { buffer: new ArrayBuffer(16) };
    const word = new EmulatorWord(memory, 8);
    word.value = -2;
    expect([...new Int32Array(memory.buffer)]).toEqual([0, 0, -2, 0]);
    new Int32Array(memory.buffer)[2] = 7;
    expect(word.value).toBe(7);
  });

  it("finds it again when the memory has grown, which takes the bytes of older views", () => {
    const memory = { buffer: new ArrayBuffer(16) };
    const word = new EmulatorWord(memory, 8);
    word.value = 0x246;
    memory.buffer = structuredClone(memory.buffer, { transfer: [memory.buffer] });
    expect(word.value).toBe(0x246);
    word.value |= 1;
    expect(new Int32Array(memory.buffer)[2]).toBe(0x247);
  });
});
