import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { LoopBundle } from "../measure/loop-contender.ts";
import type { Section } from "../section.ts";

const ROUNDS = 11;
const SHORT_ROUNDS = 5;

/** From nothing to a card: loading the packages' JavaScript and making one, in a fresh process each time. */
export const start: Section = {
  name: "start",
  about: "loading @vmmkit/virtio-net and making a card, in fresh processes",
  inShort: true,
  async run({ short }) {
    const bundle = await LoopBundle.make();
    try {
      const load: number[] = [];
      const make: number[] = [];
      for (let i = 0; i < (short ? SHORT_ROUNDS : ROUNDS); i++) {
        const { stdout } = await promisify(execFile)(process.execPath, [bundle.path("start")]);
        const { loadMs, makeMs } = JSON.parse(stdout) as { loadMs: number; makeMs: number };
        load.push(loadMs);
        make.push(makeMs);
      }
      const both = load.map((ms, i) => ms + (make[i] ?? Number.NaN));
      return [
        { name: "load the packages and make a card", unit: "ms", lessIsBetter: true, rounds: both, target: 20 },
        { name: "make a card", unit: "ms", lessIsBetter: true, rounds: make },
      ];
    } finally {
      await bundle.dispose();
    }
  },
};
