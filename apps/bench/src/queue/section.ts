import { type LoopOptions, USUAL } from "../loops/loop.ts";
import type { Section } from "../section.ts";
import { type LoopCase, loopFigures } from "../sections/loop-figures.ts";

const SIZES = [64, 1514];

/** What is done to each chain, and the mode of native/rings.c that does the same. */
const WORK = [
  { name: "collect", loop: "collect", native: "collect" },
  { name: "copy out", loop: "copyOut", native: "transmit" },
  { name: "copy in", loop: "copyIn", native: "receive" },
] as const;

const KINDS: readonly (readonly [name: string, options: Partial<LoopOptions>])[] = [
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
  run: (context) => loopFigures(context.short ? short() : [...inRuns(), ...byOne()], context),
};

function short(): LoopCase[] {
  return WORK.filter(({ name }) => name !== "copy out").map((work) => make(work, "InRuns", "64 B", {}));
}

function inRuns(): LoopCase[] {
  return KINDS.flatMap(([kind, options]) =>
    WORK.flatMap((work) => SIZES.map((bytes) => make(work, "InRuns", `${bytes} B${kind}`, { ...options, bytes }))),
  );
}

function byOne(): LoopCase[] {
  return KINDS.flatMap(([kind, options]) =>
    WORK.map((work) => make(work, "ByOne", `64 B${kind}, one by one`, options)),
  );
}

function make(
  { name, loop, native }: (typeof WORK)[number],
  way: "InRuns" | "ByOne",
  words: string,
  options: Partial<LoopOptions>,
): LoopCase {
  return { name: `${name} ${words}`, loop: `${loop}${way}`, options: { ...USUAL, ...options }, native };
}
