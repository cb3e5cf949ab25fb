import { USUAL } from "../loops/loop.ts";
import type { Section } from "../section.ts";
import { type LoopCase, loopFigures } from "./loop-figures.ts";

/** Frames between cards of one process: there and back, to one other, to many. Cost per frame delivered. */
export const hub: Section = {
  name: "hub",
  about: "loopback, and hubs of 2 and of 16 cards, per frame delivered",
  inShort: true,
  run: (context) => {
    const sizes = context.short ? [64] : [64, 1514];
    return loopFigures(sizes.flatMap(casesOf), context);
  },
};

function casesOf(bytes: number): LoopCase[] {
  const native = "receive";
  return [
    // What the others are made of: one copy into a guest.
    { name: `receive ${bytes} B`, loop: "receive", options: { ...USUAL, bytes }, native },
    { name: `loopback ${bytes} B`, loop: "loopback", options: { ...USUAL, bytes }, native },
    { name: `hub of 2, ${bytes} B`, loop: "hub", options: { ...USUAL, bytes, cards: 2 }, native },
    { name: `hub of 16, ${bytes} B`, loop: "hub", options: { ...USUAL, bytes, cards: 16 }, native, nativeQueues: 15 },
  ];
}
