import { type Turns, takeTurns } from "../measure/turns.ts";
import type { Figure, SectionContext } from "../section.ts";
import { BenchNetwork } from "./bench-network.ts";
import type { NativeTap } from "./native-tap.ts";
import { startProgram } from "./programs.ts";

/** A segment of 64 KB: what TCP leaves to a card that cuts. */
const SEGMENT_BYTES = 65_226;

/** Batches are long here, as each frame is a system call: longer turns than the rings take, or there are too few. */
export const TAP_LONG: Turns = { rounds: 9, roundMs: 200, warmUpMs: 4000 };
export const TAP_SHORT: Turns = { rounds: 5, roundMs: 100, warmUpMs: 2000 };

const CASES: readonly (readonly [mode: "send" | "receive", bytes: number, targetRatio: number])[] = [
  ["send", 64, 1.2],
  ["send", 1514, 1.2],
  ["send", SEGMENT_BYTES, 1.05],
  ["receive", 64, 1.2],
  ["receive", 1514, 1.2],
  ["receive", SEGMENT_BYTES, 1.05],
];

/** Nanoseconds per frame between ring and kernel, each way; all of it processor time. */
export async function frameFigures(native: NativeTap, { short, say }: SectionContext): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [mode, bytes, targetRatio] of CASES) {
    const name = `${mode === "send" ? "ring to TAP" : "TAP to ring"}, ${bytes > 9018 ? "64 KB segments" : `${bytes} B`}`;
    say(name);
    // A network each: their interfaces have the same work, and none hears the other's frames.
    const networks = [new BenchNetwork("ours"), new BenchNetwork("native")] as const;
    const contenders = [
      startProgram(networks[0], "ours", native, mode, String(bytes)),
      startProgram(networks[1], "C", native, mode, String(bytes)),
    ];
    try {
      const [rounds = [], against = []] = await takeTurns(contenders, short ? TAP_SHORT : TAP_LONG);
      const unit = "ns/frame";
      const note = noteOf(rounds, bytes);
      figures.push({
        name,
        unit,
        lessIsBetter: true,
        rounds,
        against: { name: "C", rounds: against },
        targetRatio,
        note,
      });
    } finally {
      for (const contender of contenders) await contender.end();
      for (const network of networks) network.close();
    }
  }
  return figures;
}

function noteOf(rounds: readonly number[], bytes: number): string {
  const ns = Math.min(...rounds);
  return bytes > 9018 ? `${((bytes * 8) / ns).toFixed(0)} Gbit/s` : `${Math.round(1e6 / ns)} thousand frames/s`;
}
