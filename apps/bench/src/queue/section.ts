import { type LoopOptions, USUAL } from "../loops/loop.ts";
import type { Figure, Section } from "../section.ts";
import { type LoopCase, loopFigures } from "../sections/loop-figures.ts";

const SIZES = [64, 1514];

/** What is done to each chain, and the mode of native/rings.c that does the same. */
const WORK = [
  { name: "collect", loop: "collect", native: "collect" },
  { name: "copy out", loop: "copyOut", native: "transmit" },
  { name: "copy in", loop: "copyIn", native: "receive" },
] as const;

type Kind = readonly [name: string, options: Partial<LoopOptions>];

const KINDS: readonly Kind[] = [
  ["", {}],
  [", INDIRECT", { indirect: true }],
  [", packed", { packed: true }],
  [", packed, INDIRECT", { packed: true, indirect: true }],
];

/** The queues alone, as a bare loop over one: what the card's figures are made of. */
export const queue: Section = {
  name: "queue",
  about: "bare virtqueues, without card and backend: ranges collected, payloads copied out and in",
  inShort: true,
  async run(context) {
    if (context.short) return loopFigures(short(), context);
    const figures: Figure[] = [];
    // Each kind beside C, so that a round is short and the machine's pace the same for all of it.
    for (const kind of KINDS) figures.push(...(await loopFigures([...inRuns(kind), ...byOne(kind)], context)));
    return figures;
  },
};

function short(): LoopCase[] {
  return WORK.filter(({ name }) => name !== "copy out").map((work) => make(work, "InRuns", "64 B", {}));
}

function inRuns([kind, options]: Kind): LoopCase[] {
  return WORK.flatMap((work) => SIZES.map((bytes) => make(work, "InRuns", `${bytes} B${kind}`, { ...options, bytes })));
}

/** What chains cost that are not of the usual kind; what an indirect table adds is seen above. */
function byOne([kind, options]: Kind): LoopCase[] {
  if (options.indirect === true) return [];
  return WORK.map((work) => make(work, "ByOne", `64 B${kind}, one by one`, options));
}

function make(
  { name, loop, native }: (typeof WORK)[number],
  way: "InRuns" | "ByOne",
  words: string,
  options: Partial<LoopOptions>,
): LoopCase {
  return { name: `${name} ${words}`, loop: `${loop}${way}`, options: { ...USUAL, ...options }, native };
}
