import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoTestpmd } from "@vmmkit/peers";
import type { Figure, Section, SectionContext } from "../section.ts";
import type { CardSetup } from "./card.ts";
import { dpdkBackEnd, ourBackEnd, Pair, type PairCase } from "./pair.ts";

interface Case extends PairCase {
  readonly name: string;
  /** What our card does with the frames. */
  readonly does: CardSetup["does"];
  readonly inShort?: true;
}

const SPLIT = "";
const PACKED = ",packed_vq=1";

/** 1514 bytes are 1518 on a cable, where a checksum stands behind each frame. */
const CASES: readonly Case[] = [
  { name: "txonly, 64 B", forward: "txonly", bytes: 64, vdev: SPLIT, does: "copy", inShort: true },
  { name: "txonly, 64 B, dropped unread", forward: "txonly", bytes: 64, vdev: SPLIT, does: "drop" },
  { name: "txonly, 1518 B", forward: "txonly", bytes: 1514, vdev: SPLIT, does: "copy" },
  { name: "rxonly, 64 B", forward: "rxonly", bytes: 64, vdev: SPLIT, does: "flood", inShort: true },
  { name: "rxonly, 1518 B", forward: "rxonly", bytes: 1514, vdev: SPLIT, does: "flood" },
  { name: "looped, 64 B", forward: "io", bytes: 64, vdev: SPLIT, does: "echo", inShort: true },
  { name: "looped, 1518 B", forward: "io", bytes: 1514, vdev: SPLIT, does: "echo" },
  { name: "looped, 64 B, packed", forward: "io", bytes: 64, vdev: PACKED, does: "echo" },
];

/** Our vhost-user back-end against DPDK's own; both serve the same driver of DPDK's. */
export const vhost: Section = {
  name: "vhost",
  about: "frames between DPDK's testpmd and our vhost-user back-end, against DPDK's own net_vhost",
  inShort: false,
  missing: async () => (await whyNoTestpmd()) ?? (cpus().length < 2 ? "two processors are needed" : null),
  async run(context) {
    const figures: Figure[] = [];
    for (const each of CASES) if (each.inShort || !context.short) figures.push(await figureOf(each, context));
    return figures;
  },
};

async function figureOf(each: Case, { short, say }: SectionContext): Promise<Figure> {
  const { name, does, bytes } = each;
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-bench-"));
  const place = (word: string): string => {
    mkdirSync(join(folder, word));
    return join(folder, word);
  };
  const pairs: Pair[] = [];
  try {
    pairs.push(await Pair.start(place("ours"), each, (path) => ourBackEnd(path, { does, bytes })));
    pairs.push(await Pair.start(place("dpdk"), each, (path) => dpdkBackEnd(path, each)));
    const rounds: number[][] = pairs.map(() => []);
    // The first warms the engine's compilers up.
    for (let round = -1; round < (short ? 3 : 5); round++) {
      for (const [i, pair] of pairs.entries()) {
        const figure = await pair.round(short ? 500 : 700);
        if (round >= 0) rounds[i]?.push(figure);
        say(`${name}, ${i === 0 ? "ours" : "net_vhost"}: ${figure.toFixed(3)} Mpps${round < 0 ? " (warming up)" : ""}`);
      }
    }
    const [ours = [], theirs = []] = rounds;
    return { name, unit: "Mpps", lessIsBetter: false, rounds: ours, against: { name: "net_vhost", rounds: theirs } };
  } finally {
    for (const pair of pairs) await pair.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
