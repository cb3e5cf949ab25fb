import { expect, test } from "vitest";
import { type ByteSource, readCapture } from "../src/index.ts";
import { pattern } from "./support/bytes.ts";
import { pcapFile } from "./support/hand-made.ts";

const FILE = pcapFile([10, 20, 30].map((size) => ({ seconds: size, fraction: 0, data: pattern(size) })));
const PIECES = [FILE.subarray(0, 30), FILE.subarray(30, 31), FILE.subarray(31)];

async function lengths(source: ByteSource): Promise<number[]> {
  const found: number[] = [];
  for await (const frame of readCapture(source)) found.push(frame.bytes.length);
  return found;
}

test("reads bytes, and pieces of them that are there or come", async () => {
  async function* later(): AsyncGenerator<Uint8Array> {
    yield* PIECES;
  }
  for (const source of [FILE, PIECES, later()]) expect(await lengths(source)).toEqual([10, 20, 30]);
});

test("closes the source where the reader leaves early, or the file is broken", async () => {
  let closed = 0;
  function* watched(pieces: Uint8Array[]): Generator<Uint8Array> {
    try {
      yield* pieces;
    } finally {
      closed++;
    }
  }
  for await (const _frame of readCapture(watched(PIECES))) break;
  expect(closed).toBe(1);
  await expect(lengths(watched([new Uint8Array(40)]))).rejects.toThrow("neither pcap nor pcapng");
  expect(closed).toBe(2);
});

test("gives the frames before the place where a file is broken", async () => {
  const found: number[] = [];
  const read = async (): Promise<void> => {
    for await (const frame of readCapture(FILE.subarray(0, FILE.length - 1))) found.push(frame.seconds);
  };
  await expect(read()).rejects.toThrow("the file is cut off");
  expect(found).toEqual([10, 20]);
});
