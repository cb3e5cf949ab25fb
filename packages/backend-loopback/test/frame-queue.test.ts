import { Frame } from "@vmmkit/ethif";
import { expect, test } from "vitest";
import { FrameQueue } from "../src/frame-queue.ts";

test("frames leave in the order in which they came, around the end of the circle", () => {
  const queue = new FrameQueue(3);
  const frames = Array.from({ length: 8 }, () => new Frame());
  for (const [i, frame] of frames.entries()) {
    expect(queue.push(frame)).toBe(true);
    if (i === 0) continue;
    expect(queue.count).toBe(2);
    expect(queue.peek()).toBe(frames[i - 1]);
    expect(queue.shift()).toBe(frames[i - 1]);
  }
});

test("a full queue takes nothing, an empty one gives nothing", () => {
  const queue = new FrameQueue(1);
  expect(queue.shift()).toBeNull();
  expect(queue.peek()).toBeNull();
  expect(queue.push(new Frame())).toBe(true);
  expect(queue.push(new Frame())).toBe(false);
  expect(queue.count).toBe(1);
});

test("a queue of no frames takes none", () => {
  const queue = new FrameQueue(0);
  expect(queue.push(new Frame())).toBe(false);
  expect(queue.peek()).toBeNull();
});
