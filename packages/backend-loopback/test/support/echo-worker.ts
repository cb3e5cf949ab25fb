import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { TxResult } from "@vmmkit/ethif";
import { frameNumber, TestCard } from "@vmmkit/ethif-compliance";
import { channelBackend, FrameChannel } from "../../src/index.ts";

/** What the test hands to this thread. */
export interface EchoWorkerData {
  readonly memory: SharedArrayBuffer;
  readonly doorbell: MessagePort;
  readonly mac: Uint8Array;
}

const { memory, doorbell, mac } = workerData as EchoWorkerData;
const backend = channelBackend(new FrameChannel({ memory, side: 1, doorbell }), { mac, queueFrames: 1024 });
const card = new TestCard(backend, { memoryBytes: 32 << 20 });
card.init();

/** Answers each frame with the same bytes, addresses turned around, from within the interrupt. */
card.onInterrupt = () => {
  for (const frame of card.received.splice(0)) {
    card.post(1, [1600]);
    const answer = frame.slice();
    answer.set(frame.subarray(6, 12), 0);
    answer.set(mac, 6);
    if (card.transmit(answer) === TxResult.Failed) card.breach(`answer ${frameNumber(frame)} was refused`);
  }
  card.flush();
};
card.post(256, [1600]);

parentPort?.on("message", () => {
  try {
    card.verify();
    parentPort?.postMessage("no breach");
  } catch (error) {
    parentPort?.postMessage(String(error));
  }
});
parentPort?.postMessage("ready");
