import { compareCards } from "../emulator/compare.ts";
import type { Section } from "../section.ts";

const EXTENT = { warmUpInstructions: 800e6, mostWarmUpTurns: 24, turns: 19, pingGroups: 300 } as const;

/** Our card against the emulator's own in the same Linux guest. */
export const v86: Section = {
  name: "v86",
  about: "our card against v86's own, in turns in one Linux guest",
  inShort: false,
  run: ({ say }) => compareCards(EXTENT, say),
};
