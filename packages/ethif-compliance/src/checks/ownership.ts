import { TxResult } from "@vmmkit/ethif";
import { type Bench, FULL_ROOM } from "../bench.ts";
import type { Check } from "../check.ts";
import { expectThat } from "../compliance-error.ts";
import { expectSameFrame } from "../test-frames.ts";

/** Fills the way to the receiver: no room at an echo's card, a peer that does not read. Answers the frames taken. */
async function fill(bench: Bench, count: number): Promise<Uint8Array[]> {
  await bench.made.peer?.pause?.();
  const taken: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const frame = bench.frame(60 + i);
    if (bench.card.transmit(frame) !== TxResult.Failed) taken.push(frame);
  }
  bench.card.flush();
  return taken;
}

const enqueued: Check = {
  name: "leaves enqueued frames where they are, and completes each once",
  async run(bench) {
    const frames = await fill(bench, 64);
    const lent = bench.card.lent;
    const completed = bench.card.completed;
    await bench.made.peer?.resume?.();
    for (const frame of frames) {
      if (bench.topology === "echo") bench.card.post(1, [FULL_ROOM]);
      expectSameFrame(await bench.peerReceives(), frame);
    }
    await bench.untilNoneLent();
    const came = bench.card.completed - completed;
    expectThat(came === lent, `${lent} frames were answered Enqueued and ${came} completed`);
  },
};

const changed: Check = {
  name: "sends what the guest had in its buffers until it gives them back, and reads nothing afterwards",
  async run(bench) {
    bench.card.post(64, [FULL_ROOM]);
    // The card poisons each buffer the moment that it comes back.
    const frames = Array.from({ length: 32 }, (_, i) => bench.frame(60 + i));
    for (const frame of frames) expectThat(bench.card.transmit(frame) !== TxResult.Failed, "rawTx answered Failed");
    bench.card.flush();
    for (const frame of frames) expectSameFrame(await bench.peerReceives(), frame);
    await bench.untilNoneLent();
  },
};

const reset: Check = {
  name: "bears a card that is reset while frames and rooms are out",
  async run(bench) {
    await fill(bench, Math.min(bench.keeps, 32));
    bench.card.reset();
    await bench.made.peer?.resume?.();
    bench.card.post(8, [FULL_ROOM]);
    for (let i = 0; i < 4; i++) bench.card.transmit(bench.frame(60));
    bench.card.reset();
    bench.card.flush();
    bench.card.post(256, [FULL_ROOM]);
    bench.card.poll();
    await bench.untilNoneLent();
    await bench.untilCardReceives();
  },
};

/** Whether frames stay their owner's. */
export const ownershipChecks: readonly Check[] = [enqueued, changed, reset];
