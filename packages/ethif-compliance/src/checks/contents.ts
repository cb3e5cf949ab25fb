import { TxResult } from "@vmmkit/ethif";
import { DIRECTIONS, FULL_ROOM } from "../bench.ts";
import type { Check } from "../check.ts";
import { expectThat } from "../compliance-error.ts";
import { expectSameFrame } from "../test-frames.ts";

/** On both sides of every boundary that code tends to stumble over. */
const SIZES = [14, 59, 60, 61, 1513, 1514, 1515, 2047, 2048, 2049, 9014, 65535];

const ROOMY = { memoryBytes: 2 << 20 };

const both: Check = {
  name: "carries frames both ways, byte for byte",
  async run(bench) {
    bench.card.post(8, [FULL_ROOM]);
    for (const direction of DIRECTIONS) {
      for (const size of [60, 61, 333, 1514]) await bench.expectCarried(bench.frame(size, direction), direction);
    }
  },
};

const order: Check = {
  name: "keeps the order of frames",
  async run(bench) {
    bench.card.post(200, [FULL_ROOM]);
    for (const direction of DIRECTIONS) {
      const frames = Array.from({ length: 64 }, (_, i) => bench.frame(60 + i, direction));
      for (const [i, frame] of frames.entries()) {
        if (direction === "to the card") await bench.send(frame, direction);
        else expectThat(bench.card.transmit(frame) !== TxResult.Failed, "rawTx answered Failed");
        if (i % 7 === 0) bench.card.flush();
      }
      bench.card.flush();
      for (const frame of frames) expectSameFrame(await bench.receive(direction), frame);
    }
  },
};

const sizes: readonly Check[] = SIZES.map((size) => ({
  name: `carries a frame of ${size} bytes, or refuses it where its MTU is smaller`,
  card: ROOMY,
  async run(bench) {
    bench.card.post(8, [66_000]);
    if (size <= bench.link.mtu + 18) {
      for (const direction of DIRECTIONS) await bench.expectCarried(bench.frame(size, direction), direction);
      return;
    }
    const frame = bench.frame(size);
    const result = bench.card.transmit(frame);
    bench.card.flush();
    if (result === TxResult.Failed) return bench.expectCarried(bench.frame(60), "to the peer");
    // A wire that takes more than it has to carries it whole, or not at all, and the next frame after it.
    const next = bench.frame(60);
    bench.transmit(next);
    const arrived = await bench.peerReceives();
    if (arrived.length === next.length) return expectSameFrame(arrived, next);
    expectSameFrame(arrived, frame);
    expectSameFrame(await bench.peerReceives(), next);
  },
}));

const longest: Check = {
  name: "carries the longest frames that its MTU allows",
  card: ROOMY,
  async run(bench) {
    bench.card.post(8, [66_000]);
    for (const direction of DIRECTIONS) {
      for (const more of [-1, 0, 4]) {
        await bench.expectCarried(bench.frame(bench.longest + more, direction), direction);
      }
    }
  },
};

const single = new Array<number>(64).fill(1);

const scattered: Check = {
  name: "carries frames scattered over many ranges",
  async run(bench) {
    const patterns = [[1], [14], [1, 1, 1, 1, 1, 1], [13, 1, 1, 500], [700, 1, 23, 24, 25], single];
    for (const ranges of patterns) {
      for (const room of patterns) {
        const frame = bench.frame(1000);
        bench.card.post(1, [...room, FULL_ROOM]);
        bench.transmit(frame, ranges);
        expectSameFrame(await bench.peerReceives(), frame);
        if (bench.topology === "echo") continue;
        await bench.expectCarried(bench.frame(1000, "to the card"), "to the card");
      }
    }
  },
};

const tooShort: Check = {
  name: "bears frames that are too short to be any",
  async run(bench) {
    bench.card.post(8, [FULL_ROOM]);
    for (const size of [0, 1, 13]) {
      const result = bench.card.transmit(new Uint8Array(size));
      expectThat(result !== undefined, `rawTx answered nothing to a frame of ${size} bytes`);
    }
    bench.card.flush();
    await bench.expectCarried(bench.frame(60), "to the peer");
    await bench.untilNoneLent();
  },
};

const detached: Check = {
  name: "works when its functions are called without this",
  card: { detached: true },
  async run(bench) {
    bench.card.post(8, [FULL_ROOM]);
    for (const direction of DIRECTIONS) await bench.expectCarried(bench.frame(60, direction), direction);
    const { getMac, printState, rawHandleIRQ } = bench.backend;
    getMac(bench.card.driver);
    printState(bench.card.driver);
    rawHandleIRQ(bench.card.driver, 0);
    const { close } = bench.backend;
    await close();
  },
};

/** Whether what goes in comes out. */
export const contentChecks: readonly Check[] = [both, order, ...sizes, longest, scattered, tooShort, detached];
