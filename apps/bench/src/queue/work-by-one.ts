import { Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import type { DeviceQueue } from "@vmmkit/virtio";
import { HEADER_BYTES } from "./bare-queue.ts";
import type { HostFrames } from "./host-frames.ts";
import type { QueueWork } from "./queue-work.ts";

/* What the modes of native/rings.c do, with each chain taken by itself: `pop`, `addUsed`. */

/** What is done to the next chain, which is number `index` of its batch. @returns false where there is none */
export type ChainWork = (queue: DeviceQueue, host: HostFrames, index: number) => boolean;

const HEADER = new Uint8Array(HEADER_BYTES);
const head = new Frame();
const body = new Frame();

/** Notes where the payload is. */
export const collectOne: ChainWork = (queue, { places, lengths }, index) => {
  body.clear();
  const chain = queue.pop(false, HEADER_BYTES, head, body);
  if (chain < 0) return false;
  places[index] = body.firstOffset;
  lengths[index] = body.firstLength;
  queue.addUsed(chain, 0);
  return true;
};

/** Copies the payload to the host. */
export const copyOutOne: ChainWork = (queue, { frames }, index) => {
  body.clear();
  const chain = queue.pop(false, HEADER_BYTES, head, body);
  if (chain < 0) return false;
  readFrame(body, frames[index] as Uint8Array);
  queue.addUsed(chain, 0);
  return true;
};

/** Copies a header and a frame of the host's into the chain. */
export const copyInOne: ChainWork = (queue, { frames }, index) => {
  body.clear();
  const chain = queue.pop(true, HEADER_BYTES, head, body);
  if (chain < 0) return false;
  writeFrame(head, HEADER);
  queue.addUsed(chain, HEADER_BYTES + writeFrame(body, frames[index] as Uint8Array));
  return true;
};

/** All chains of a batch, one after the other. */
export function byOne(work: ChainWork): QueueWork {
  return (queue, host) => {
    let frames = 0;
    if (!queue.begin()) return 0;
    while (work(queue, host, frames)) frames++;
    queue.publish();
    return frames;
  };
}
