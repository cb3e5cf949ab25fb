import { Frame } from "@vmmkit/ethif";
import { expect, it } from "vitest";
import { FrameQueue } from "../src/frame-queue.ts";

it("gives frames out in the order in which they came, around its end and on", () => {
  const queue = new FrameQueue(3);
  const frames = Array.from({ length: 10 }, () => new Frame());
  const out: (Frame | null)[] = [];
  for (const frame of frames) {
    expect(queue.push(frame)).toBe(true);
    if (queue.count === 2) out.push(queue.shift());
  }
  out.push(queue.shift());
  expect(out).toEqual(frames);
  expect([queue.count, queue.peek(), queue.shift()]).toEqual([0, null, null]);
});

it("takes no more than fit, and none where it has no room at all", () => {
  const queue = new FrameQueue(2);
  const [first, second, third] = [new Frame(), new Frame(), new Frame()];
  expect([queue.push(first), queue.push(second), queue.push(third)]).toEqual([true, true, false]);
  expect([queue.peek(), queue.count]).toEqual([first, 2]);
  expect(new FrameQueue(0).push(first)).toBe(false);
});
