import { loopbackBackend } from "@vmmkit/backend-loopback";
import type { Backend } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { pcapngWriter, pcapTee, pcapWriter } from "../src/index.ts";
import { discard } from "./support/discard.ts";
import { LeanCard } from "./support/lean-card.ts";

const BATCH = 64;
const BATCHES = 100;
const ROUNDS = 41;

/** The least that an object takes up. */
const SMALLEST_OBJECT_BYTES = 16;

/** Bytes of heap that a frame takes, once the code is warm: the median of many short rounds. */
function bytesPerFrame(backend: Backend): number {
  const card = new LeanCard(backend, BATCH);
  const rounds: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < BATCHES; i++) card.send(BATCH);
    rounds.push((process.memoryUsage().heapUsed - before) / (BATCH * BATCHES));
  }
  expect(card.received).toBe(2 * ROUNDS * BATCHES * BATCH);
  return rounds.slice(ROUNDS).sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

// The host's own clock allocates a number each time that it is asked.
describe("a tee allocates nothing for a frame", () => {
  test.each([
    ["pcapng", pcapngWriter],
    ["pcap", pcapWriter],
  ])("%s", (_name, make) => {
    const clock = { seconds: 1, nanoseconds: 2, read: () => {} };
    const tee = pcapTee(loopbackBackend(), { writer: make({ sink: discard }), clock });
    expect(bytesPerFrame(tee)).toBeLessThan(SMALLEST_OBJECT_BYTES / 8);
  });

  test("off", () => {
    const tee = pcapTee(loopbackBackend(), { writer: pcapngWriter({ sink: discard }), capturing: false });
    expect(bytesPerFrame(tee)).toBeLessThan(SMALLEST_OBJECT_BYTES / 8);
  });
});
