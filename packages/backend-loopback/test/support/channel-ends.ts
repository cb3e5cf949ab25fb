import { MessageChannel } from "node:worker_threads";
import { FrameChannel, frameChannelMemory } from "../../src/index.ts";

/** Both ends of a channel, on this thread, with a real message channel between them. */
export function channelEnds(capacityBytes?: number): [FrameChannel, FrameChannel] {
  const memory = frameChannelMemory(capacityBytes);
  const { port1, port2 } = new MessageChannel();
  return [
    new FrameChannel({ memory, side: 0, doorbell: port1 }),
    new FrameChannel({ memory, side: 1, doorbell: port2 }),
  ];
}
