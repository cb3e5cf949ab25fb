import { TxResult } from "@vmmkit/ethif";
import { Arrivals } from "../arrivals.ts";
import { type Bench, type Direction, FULL_ROOM, RING_FRAMES } from "../bench.ts";
import type { Check } from "../check.ts";
import { expectThat } from "../compliance-error.ts";
import { nextTurn } from "../deadline.ts";
import { Ledger } from "../ledger.ts";
import { expectSameFrame } from "../test-frames.ts";

const LARGE = { memoryBytes: 8 << 20 };

/** Frames in a test where the guest answers from within its interrupt: more than a stack would bear. */
const ANSWERS = 5000;

const burst: Check = {
  name: "carries bursts longer than the guest's ring",
  card: LARGE,
  async run(bench) {
    bench.card.post(RING_FRAMES, [128]);
    await carryBurst(bench, "to the card");
    await carryBurst(bench, "to the peer");
    await bench.untilNoneLent();
  },
};

/** Sends four rings of frames as fast as they are taken; each has to arrive or to be counted. */
async function carryBurst(bench: Bench, direction: Direction): Promise<void> {
  const arrivals = new Arrivals(bench, direction);
  const ledger = new Ledger();
  const before = bench.dropped;
  const receive = (): void => {
    for (let frame = arrivals.next(); frame !== null; frame = arrivals.next()) {
      ledger.take(frame);
      bench.card.post(1, [128]);
    }
  };
  for (let i = 0; i < 4 * RING_FRAMES; i++) {
    const frame = bench.frame(60 + (i % 64), direction);
    ledger.add(frame);
    if (direction === "to the card" && bench.topology === "wire") await bench.peer.send(frame);
    else bench.card.transmit(frame);
    if (i % 50 === 0) bench.card.flush();
    if (i % 100 === 0) await nextTurn();
    if (i % 100 === 0 || bench.card.lent >= RING_FRAMES) receive();
    // A guest whose ring is full waits.
    if (bench.card.lent >= RING_FRAMES) bench.card.flush();
    await bench.until(
      () => bench.card.lent < RING_FRAMES,
      () => "the guest's ring stays full",
    );
  }
  bench.card.flush();
  const settled = (): boolean => {
    receive();
    return ledger.missing <= bench.dropped - before;
  };
  const counted = (): string => `${ledger.missing} frames are missing, ${bench.dropped - before} counted as dropped`;
  await bench.until(settled, counted);
}

const keeping: Check = {
  name: "keeps frames while the guest has no room, and delivers them in order",
  async run(bench) {
    const frames = Array.from({ length: bench.keeps }, (_, i) => bench.frame(60 + i, "to the card"));
    for (const frame of frames) await bench.send(frame, "to the card");
    for (const frame of frames) {
      bench.card.post(1, [FULL_ROOM]);
      expectSameFrame(await bench.cardReceives(), frame);
    }
    await bench.untilNoneLent();
  },
};

const resuming: Check = {
  name: "resumes whenever room is posted, and misses no wake-up",
  card: LARGE,
  async run(bench) {
    const inFlight = Math.min(2, bench.keeps);
    for (let round = 0; round < 100; round++) {
      let toPost = inFlight;
      const post = (): void => {
        if (toPost-- > 0) bench.card.post(1, [FULL_ROOM]);
      };
      const frames = Array.from({ length: inFlight }, () => bench.frame(60, "to the card"));
      // Before, between and after the frames, in turn.
      if (round % 3 === 0) post();
      for (const frame of frames) {
        await bench.send(frame, "to the card");
        if (round % 3 === 1) post();
      }
      while (toPost > 0) post();
      await bench.expectAtCard(frames);
    }
  },
};

const flooding: Check = {
  name: "delivers or counts every frame of a flood that finds no room",
  card: LARGE,
  async run(bench) {
    const before = bench.dropped;
    const ledger = new Ledger();
    const count = 4 * Math.max(bench.keeps, 16);
    for (let i = 0; i < count; i++) {
      const frame = bench.frame(60 + (i % 1000), "to the card");
      ledger.add(frame);
      await bench.tryToSendToCard(frame);
    }
    bench.card.post(count + 64, [FULL_ROOM]);
    const arrived = await bench.untilCardReceives();
    for (const frame of arrived) if (ledger.has(frame)) ledger.take(frame);
    expectThat(ledger.arrived >= bench.keeps, `only ${ledger.arrived} frames were kept, not ${bench.keeps}`);
    if (bench.made.dropped === undefined) return;
    const counted = bench.dropped - before;
    expectThat(ledger.missing <= counted, `${ledger.missing} frames are missing, ${counted} are counted as dropped`);
  },
};

const shortRoom: Check = {
  name: "is not held up for ever by a frame longer than all of the guest's room",
  async run(bench) {
    bench.card.post(64, [100]);
    await bench.tryToSendToCard(bench.frame(1000, "to the card"));
    const arrived = await bench.untilCardReceives();
    for (const frame of arrived) expectThat(frame.length <= 100, `a frame of ${frame.length} bytes in a room of 100`);
  },
};

const postingInside: Check = {
  name: "bears a guest that posts room from within its interrupt",
  card: LARGE,
  async run(bench) {
    bench.card.onInterrupt = () => bench.card.post(1, [128]);
    const frames = Array.from({ length: Math.min(bench.keeps, 200) }, () => bench.frame(60, "to the card"));
    for (const frame of frames) await bench.send(frame, "to the card");
    bench.card.post(1, [128]);
    await bench.expectAtCard(frames);
  },
};

const answeringInside: Check = {
  name: "bears a guest that transmits from within its interrupt, again and again",
  card: LARGE,
  async run(bench) {
    bench.card.post(8, [64]);
    let answers = bench.topology === "echo" ? ANSWERS : 100;
    const rounds = answers;
    let received = 0;
    bench.card.onInterrupt = () => {
      for (const _frame of bench.card.received.splice(0)) {
        received++;
        bench.card.post(1, [64]);
        if (--answers < 0) continue;
        if (bench.card.transmit(bench.frame(60)) === TxResult.Failed) bench.card.breach("an answer was refused");
      }
      bench.card.flush();
    };
    for (let i = 0; i < (bench.topology === "echo" ? 1 : rounds); i++) {
      await bench.send(bench.frame(60, "to the card"), "to the card");
      if (bench.topology === "wire") await bench.peerReceives();
    }
    await bench.until(
      () => received >= rounds,
      () => `of ${rounds} frames ${received} were received`,
    );
  },
};

/** Whether nothing is lost, stuck or out of order when there is no room. */
export const pressureChecks: readonly Check[] = [
  burst,
  keeping,
  resuming,
  flooding,
  shortRoom,
  postingInside,
  answeringInside,
];
