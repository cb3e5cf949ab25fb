import { Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import type { DeviceQueue } from "@vmmkit/virtio";
import { HEADER_BYTES } from "./bare-queue.ts";
import type { HostFrames } from "./host-frames.ts";
import type { QueueWork } from "./queue-work.ts";
import type { ChainWork } from "./work-by-one.ts";

/*
 * What the modes of native/rings.c do, as the card does it: chains of the usual kind are looked at many at a time, and
 * the queue is told of all of them at once.
 */

/** What is done to the first `count` chains of `queue.ahead`, of which the first is number `index` of its batch. */
export type RunWork = (queue: DeviceQueue, host: HostFrames, index: number, count: number) => void;

/** More chains than a queue looks ahead. */
const MOST = 256;
/** Names of chains, and bytes written into them. */
const used = new Int32Array(2 * MOST);
const frame = new Frame();

/** Notes where the payloads are. */
export const collectRun: RunWork = (queue, { places, lengths }, index, count) => {
  const { words, offset } = queue.ahead;
  for (let i = 0; i < count; i++) {
    places[index + i] = offset + (words[((i << 2) + 2) | 0] as number);
    lengths[index + i] = words[((i << 2) + 3) | 0] as number;
  }
  queue.useAhead(0, count);
};

/** Copies the payloads to the host. */
export const copyOutRun: RunWork = (queue, { frames }, index, count) => {
  const { words, offset, region } = queue.ahead;
  if (region === null) return;
  for (let i = 0; i < count; i++) {
    frame.place(region, offset + (words[((i << 2) + 2) | 0] as number), words[((i << 2) + 3) | 0] as number);
    readFrame(frame, frames[index + i] as Uint8Array);
  }
  queue.useAhead(0, count);
};

/** Copies a header and a frame of the host's into each chain. */
export const copyInRun: RunWork = (queue, { frames }, index, count) => {
  const { words, offset, region } = queue.ahead;
  if (region === null) return;
  const { u32 } = region;
  queue.takeRun(0, count);
  for (let i = 0; i < count; i++) {
    const header = (offset + (words[((i << 2) + 1) | 0] as number)) >>> 2;
    u32[header] = 0;
    u32[header + 1] = 0;
    u32[header + 2] = 0;
    frame.place(region, offset + (words[((i << 2) + 2) | 0] as number), words[((i << 2) + 3) | 0] as number);
    used[i << 1] = (words[i << 2] as number) & 0xffff;
    used[((i << 1) + 1) | 0] = HEADER_BYTES + writeFrame(frame, frames[index + i] as Uint8Array);
  }
  queue.useRun(used, count);
};

/** All chains of a batch. @param one for those that cannot be looked at ahead, as the first one of all */
export function inRuns(writable: boolean, run: RunWork, one: ChainWork): QueueWork {
  return (queue, host) => {
    let frames = 0;
    if (!queue.begin()) return 0;
    for (;;) {
      const count = queue.lookAhead(writable, HEADER_BYTES, MOST);
      if (count > 0) {
        run(queue, host, frames, count);
        frames += count;
      } else if (one(queue, host, frames)) frames++;
      else break;
    }
    queue.publish();
    return frames;
  };
}
