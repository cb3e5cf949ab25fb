import { compareCards } from "../emulator/compare.ts";
import type { Section } from "../section.ts";

const ROUNDS = 3;

/** Our card against the emulator's own in the same Linux guest. */
export const v86: Section = {
  name: "v86",
  about: "our card against v86's own, in turns in one Linux guest",
  inShort: false,
  async run({ say }) {
    const comparisons = await compareCards(ROUNDS, say);
    return comparisons.map(({ load, own, ours }) => ({
      name: load.name,
      unit: load.unit,
      lessIsBetter: load.lessIsBetter,
      rounds: ours,
      against: { name: "v86's own card", rounds: own },
      targetRatio: load.targetRatio,
    }));
  },
};
