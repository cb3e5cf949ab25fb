import { type LoopOptions, USUAL } from "../loops/loop.ts";
import type { Section } from "../section.ts";
import { type LoopCase, loopFigures } from "./loop-figures.ts";

const SIZES = [64, 1514];
/** Nanoseconds per frame that the card is meant to need, for each of `SIZES`. */
const TRANSMIT_TARGETS = [15, 15];
const RECEIVE_TARGETS = [35, 50];

/** What a guest may negotiate, beside the usual. */
const VARIANTS: readonly (readonly [name: string, options: Partial<LoopOptions>])[] = [
  ["no EVENT_IDX", { eventIdx: false }],
  ["INDIRECT", { indirect: true }],
  ["modern", { modern: true }],
  ["modern, INDIRECT", { modern: true, indirect: true }],
  ["packed", { modern: true, packed: true }],
  ["packed, no EVENT_IDX", { modern: true, packed: true, eventIdx: false }],
  ["packed, INDIRECT", { modern: true, packed: true, indirect: true }],
  ["packed, IN_ORDER", { modern: true, packed: true, inOrder: true }],
];

/** The card alone: frames to a backend that does nothing, and from one that copies from the host's memory. */
export const rings: Section = {
  name: "rings",
  about: "the card alone: transmit without a copy, receive with one",
  inShort: true,
  run: (context) =>
    loopFigures(context.short ? usual() : [...usual(), ...batches(), ...variants(), ...sizes()], context),
};

function usual(): LoopCase[] {
  return SIZES.flatMap((bytes, i) => [
    transmit(`transmit ${bytes} B`, { bytes }, TRANSMIT_TARGETS[i]),
    receive(`receive ${bytes} B`, { bytes }, RECEIVE_TARGETS[i]),
  ]);
}

/** Guests at rest send a frame or a few to a notification: then what a batch costs is most of it. */
function batches(): LoopCase[] {
  return [1, 8].flatMap((batch) => [
    transmit(`transmit 64 B, batches of ${batch}`, { batch }),
    receive(`receive 64 B, batches of ${batch}`, { batch }),
  ]);
}

function variants(): LoopCase[] {
  return VARIANTS.flatMap(([name, options]) => [
    transmit(`transmit 64 B, ${name}`, options, 2 * 15),
    receive(`receive 64 B, ${name}`, options, 2 * 35),
  ]);
}

/** Time per frame is to be flat from the smallest ring to the largest, and from one card to many. */
function sizes(): LoopCase[] {
  const ring = [64, 1024, 32768].map((size) => transmit(`transmit 64 B, ring of ${size}`, { ring: size }));
  const cards = [8, 64].map((count) => ({
    ...transmit(`transmit 64 B, ${count} cards`, { cards: count }),
    nativeQueues: count,
  }));
  return [...ring, ...cards];
}

function transmit(name: string, options: Partial<LoopOptions>, target?: number): LoopCase {
  return make(name, "transmit", options, "collect", target);
}

function receive(name: string, options: Partial<LoopOptions>, target?: number): LoopCase {
  return make(name, "receive", options, "receive", target);
}

function make(
  name: string,
  loop: string,
  options: Partial<LoopOptions>,
  native: LoopCase["native"],
  target: number | undefined,
): LoopCase {
  const all = { name, loop, options: { ...USUAL, ...options }, native };
  return target === undefined ? all : { ...all, target };
}
