import { USUAL } from "../loops/loop.ts";
import type { Contender } from "../measure/contender.ts";
import { missingForTap } from "../measure/installed.ts";
import { LoopBundle } from "../measure/loop-contender.ts";
import { LONG, SHORT, type Turns, takeTurns } from "../measure/turns.ts";
import type { Figure, Section, SectionContext } from "../section.ts";
import { BenchNetwork } from "../tap/bench-network.ts";
import { TAP_LONG, TAP_SHORT } from "../tap/frames.ts";
import { startOurs } from "../tap/programs.ts";

/** Off, a tee is to cost nothing that can be measured. */
const OFF_TARGET = 1.02;

/** What is measured, the first without a tee, and the tee's name. */
const CASES = [
  { name: "no tee" },
  { name: "tee off", tee: "teeOff", targetRatio: OFF_TARGET },
  { name: "tee on, 96 B kept", tee: "teeHeads" },
  { name: "tee on, all kept", tee: "teeOn" },
] as const;

/** What a capture costs: a loopback with a tee around it, whose frames are captured twice, and TAP, against none. */
export const tee: Section = {
  name: "tee",
  about:
    "a pcap tee, on and off, against none: around a loopback, where each frame passes it twice, and from ring to TAP",
  inShort: false,
  async run(context) {
    const sizes = context.short ? [64] : [64, 1514];
    const figures: Figure[] = [];
    for (const bytes of sizes) figures.push(...(await aroundLoopback(bytes, context)));
    const missing = await missingForTap([["ip", "network namespaces"]]);
    if (missing !== null) context.say(`no tee around TAP: ${missing}`);
    else for (const bytes of sizes) figures.push(...(await aroundTap(bytes, context)));
    return figures;
  },
};

async function aroundLoopback(bytes: number, { short }: SectionContext): Promise<Figure[]> {
  const bundle = await LoopBundle.make();
  // With Node's own heap: a tee allocates what it keeps.
  const options = { ...USUAL, bytes };
  const contenders = CASES.map((each) => bundle.start(each.name, "tee" in each ? each.tee : "loopback", options, []));
  try {
    return await compared(contenders, short ? SHORT : LONG, `${bytes} B`);
  } finally {
    await bundle.dispose();
  }
}

/** Each has a network of its own: none hears the other's frames. */
async function aroundTap(bytes: number, { short }: SectionContext): Promise<Figure[]> {
  const networks = CASES.map((_, i) => new BenchNetwork(`tee${i}`));
  const contenders = networks.map((network, i) => startOurs(network, "send", String(bytes), ...teeOf(i)));
  try {
    return await compared(contenders, short ? TAP_SHORT : TAP_LONG, `ring to TAP, ${bytes} B`);
  } finally {
    for (const network of networks) network.close();
  }
}

function teeOf(index: number): string[] {
  const each = CASES[index];
  return each !== undefined && "tee" in each ? [each.tee] : [];
}

/** The cases in turns, and their processes ended. */
async function compared(contenders: readonly Contender[], turns: Turns, what: string): Promise<Figure[]> {
  try {
    const rounds = await takeTurns(contenders, turns);
    const none = rounds[0] ?? [];
    return CASES.map((each, i) => ({
      name: `${each.name}, ${what}`,
      unit: "ns/frame",
      lessIsBetter: true,
      rounds: rounds[i] ?? [],
      ...(i > 0 && { against: { name: "no tee", rounds: none } }),
      ...("targetRatio" in each && { targetRatio: each.targetRatio }),
    }));
  } finally {
    await Promise.all(contenders.map((each) => each.end()));
  }
}
