import { USUAL } from "../loops/loop.ts";
import type { Contender } from "../measure/contender.ts";
import { LoopBundle } from "../measure/loop-contender.ts";
import type { Figure, Section, SectionContext } from "../section.ts";

const FRAMES = 10_000_000;
/**
 * Long frames: their bytes pass 2^31 within `FRAMES`, where a counter turns from a small integer into a float and code
 * that counts is thrown away once. That is no steady path.
 */
const BYTES = 1514;
/**
 * What a frame allocates is allocated each time. The engine's own business, as when it compiles anew, leaves 50 to 250 KB
 * now and then: the least counts.
 */
const HEAP_ROUNDS = 3;
const WARM_UP_ROUNDS = 4;
const ROUND_MS = 250;

/** The steady path leaves nothing behind on the heap, and its machine code is never thrown away. */
export const allocations: Section = {
  name: "allocations",
  about: "heap bytes per frame over 10 million frames, the least of three; deoptimisations after warm-up",
  inShort: false,
  async run(context) {
    const bundle = await LoopBundle.make();
    try {
      const figures: Figure[] = [];
      for (const [loop, cards] of [
        ["transmit", 1],
        ["receive", 1],
        ["loopback", 1],
        ["hub", 2],
      ] as const) {
        figures.push(...(await figuresOf(bundle.start(loop, loop, { ...USUAL, bytes: BYTES, cards }), loop, context)));
      }
      return figures;
    } finally {
      await bundle.dispose();
    }
  },
};

async function figuresOf(contender: Contender, loop: string, { say }: SectionContext): Promise<Figure[]> {
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await contender.round(ROUND_MS);
  // Once without counting: it runs without the clock, and the engine's compilers take note of that.
  await contender.ask(`heap ${FRAMES / 4}`);
  const heaps: string[] = [];
  for (let i = 0; i < HEAP_ROUNDS; i++) heaps.push(await contender.ask(`heap ${FRAMES}`));
  await contender.ask("trace");
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await contender.round(ROUND_MS);
  const lines = await contender.end();
  const thrownAway = lines.filter((line) => line.includes("bailout"));
  for (const line of thrownAway) say(`${loop}: ${line}`);
  const collected = heaps.includes("collected");
  return [
    {
      name: `${loop}, heap`,
      unit: "B/frame",
      lessIsBetter: true,
      rounds: [collected ? Number.NaN : Math.min(...heaps.map(Number))],
      target: 0.01,
      ...(collected ? { note: "the collector ran: something is allocated" } : {}),
    },
    { name: `${loop}, deoptimisations`, unit: "count", lessIsBetter: true, rounds: [thrownAway.length], target: 0 },
  ];
}
