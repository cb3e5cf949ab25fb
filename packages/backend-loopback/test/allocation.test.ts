import { describe, expect, test } from "vitest";
import { channelBackend, FrameChannel, frameChannelMemory, Hub, loopbackBackend } from "../src/index.ts";
import { FakeDoorbell } from "./support/fake-doorbells.ts";
import { LeanCard } from "./support/lean-card.ts";

const BATCH = 64;
const BATCHES = 100;
const ROUNDS = 41;

/** The least that an object takes up. */
const SMALLEST_OBJECT_BYTES = 16;

/**
 * Bytes of heap that a frame takes, once the code is warm: the median of many short rounds, so that neither a
 * collection in the middle of one nor the engine's own business counts.
 */
function bytesPerFrame(batch: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < BATCHES; i++) batch();
    rounds.push((process.memoryUsage().heapUsed - before) / (BATCH * BATCHES));
  }
  return rounds.slice(ROUNDS).sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
}

describe("nothing is allocated for a frame", () => {
  test("the measurement finds one small object per frame", () => {
    let kept: object = {};
    const bytes = bytesPerFrame(() => {
      for (let i = 0; i < BATCH; i++) kept = { i };
    });
    expect(kept).toBeDefined();
    expect(bytes).toBeGreaterThan(SMALLEST_OBJECT_BYTES);
  });

  test("by the loopback", () => {
    const card = new LeanCard(loopbackBackend(), BATCH);
    expect(bytesPerFrame(() => card.send(BATCH))).toBeLessThan(SMALLEST_OBJECT_BYTES / 8);
    expect(card.received).toBe(2 * ROUNDS * BATCHES * BATCH);
  });

  test("by the hub, from port to port", () => {
    const hub = new Hub({ macPrefix: Uint8Array.of(2, 1, 0xff, 0xff) });
    const [first, second] = [new LeanCard(hub.port(), BATCH), new LeanCard(hub.port(), BATCH)];
    first.to = second.mac;
    second.to = first.mac;
    const batch = (): void => {
      first.send(BATCH / 2);
      second.send(BATCH / 2);
    };
    expect(bytesPerFrame(batch)).toBeLessThan(SMALLEST_OBJECT_BYTES / 8);
    // The very first batch was for all, as nobody was known; there is nobody else.
    expect(first.received + second.received).toBe(2 * ROUNDS * BATCHES * BATCH);
  });

  test("by a channel", () => {
    const memory = frameChannelMemory();
    const bells = FakeDoorbell.pair();
    const [near, far] = ([0, 1] as const).map((side) =>
      channelBackend(new FrameChannel({ memory, side, doorbell: bells[side] })),
    );
    if (near === undefined || far === undefined) throw new Error("no channel");
    const sender = new LeanCard(near, BATCH);
    const receiver = new LeanCard(far, BATCH);
    const batch = (): void => {
      sender.send(BATCH);
      far.poll();
    };
    expect(bytesPerFrame(batch)).toBeLessThan(SMALLEST_OBJECT_BYTES / 8);
    expect(receiver.received).toBe(2 * ROUNDS * BATCHES * BATCH);
  });
});
