import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { LoopBundle } from "../measure/loop-contender.ts";
import type { Section } from "../section.ts";

const CARDS = 1000;
const IDLE_MS = 3000;

/** What `idle-cards.ts` prints. */
interface IdleFigures {
  readonly bytesPerCard: number;
  readonly idleShare: number;
  readonly wakeUps: number;
}

/** A thousand idle cards in one process: what they hold, and that they do nothing. */
export const memory: Section = {
  name: "memory",
  about: `${CARDS} idle cards in one process: bytes each, processor time`,
  inShort: false,
  async run() {
    const bundle = await LoopBundle.make();
    try {
      const args = ["--expose-gc", bundle.path("idle-cards"), String(CARDS), String(IDLE_MS)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const { bytesPerCard, idleShare, wakeUps } = JSON.parse(stdout) as IdleFigures;
      return [
        {
          name: "memory per card beyond guest memory",
          unit: "KiB",
          lessIsBetter: true,
          rounds: [bytesPerCard / 1024],
          target: 200,
          note: "with its guest's driver and its machine's PCI space",
        },
        {
          name: `${CARDS} idle cards`,
          unit: "% CPU",
          lessIsBetter: true,
          rounds: [idleShare * 100],
          target: 0.5,
          note: "what it takes to wake up once, if nothing woke it meanwhile",
        },
        {
          name: `${CARDS} idle cards, ${IDLE_MS / 1000} s`,
          unit: "wake-ups",
          lessIsBetter: true,
          rounds: [wakeUps],
          target: 0,
        },
      ];
    } finally {
      await bundle.dispose();
    }
  },
};
