import type { LoopMaker } from "../loops/loop.ts";
import { BareQueue } from "./bare-queue.ts";
import { HostFrames } from "./host-frames.ts";
import type { QueueWork } from "./queue-work.ts";
import { byOne, collectOne, copyInOne, copyOutOne } from "./work-by-one.ts";
import { collectRun, copyInRun, copyOutRun, inRuns } from "./work-in-runs.ts";

/** What a device may do to a batch, and whether it writes into the chains. */
export const QUEUE_WORK: Readonly<Record<string, readonly [work: QueueWork, writable: boolean]>> = {
  collectInRuns: [inRuns(false, collectRun, collectOne), false],
  copyOutInRuns: [inRuns(false, copyOutRun, copyOutOne), false],
  copyInInRuns: [inRuns(true, copyInRun, copyInOne), true],
  collectByOne: [byOne(collectOne), false],
  copyOutByOne: [byOne(copyOutOne), false],
  copyInByOne: [byOne(copyInOne), true],
};

/** The loops of a bare queue by name: the driver fills it, the device's work is timed, the driver takes all back. */
export const QUEUE_LOOPS: Readonly<Record<string, LoopMaker>> = Object.fromEntries(
  Object.entries(QUEUE_WORK).map(([name, [work, writable]]) => [name, queueLoop(work, writable)]),
);

function queueLoop(work: QueueWork, writable: boolean): LoopMaker {
  return (options, watch) => {
    const bare = new BareQueue(options, writable);
    const host = new HostFrames(bare.batch, options.bytes);
    const { queue } = bare;
    return () => {
      bare.fill();
      watch.start();
      work(queue, host);
      watch.stop();
      return bare.reap();
    };
  };
}
