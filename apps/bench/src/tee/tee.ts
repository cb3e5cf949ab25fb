import { USUAL } from "../loops/loop.ts";
import { LoopBundle } from "../measure/loop-contender.ts";
import { LONG, SHORT, takeTurns } from "../measure/turns.ts";
import type { Figure, Section, SectionContext } from "../section.ts";

/** Off, a tee is to cost nothing that can be measured. */
const OFF_TARGET = 1.02;

const CASES = [
  { name: "no tee", loop: "loopback" },
  { name: "tee off", loop: "teeOff", targetRatio: OFF_TARGET },
  { name: "tee on, 96 B kept", loop: "teeHeads" },
  { name: "tee on, all kept", loop: "teeOn" },
] as const;

/** What a capture costs: a loopback with a tee around it, whose frames are captured twice, against one without. */
export const tee: Section = {
  name: "tee",
  about: "a pcap tee around a loopback, on and off, against none; each frame passes it twice",
  inShort: false,
  async run(context) {
    const figures: Figure[] = [];
    for (const bytes of context.short ? [64] : [64, 1514]) figures.push(...(await figuresOf(bytes, context)));
    return figures;
  },
};

async function figuresOf(bytes: number, { short }: SectionContext): Promise<Figure[]> {
  const bundle = await LoopBundle.make();
  const contenders = CASES.map(({ name, loop }) => bundle.start(name, loop, { ...USUAL, bytes }));
  try {
    const [none = [], ...others] = await takeTurns(contenders, short ? SHORT : LONG);
    return CASES.map((each, i) => ({
      name: `${each.name}, ${bytes} B`,
      unit: "ns/frame",
      lessIsBetter: true,
      rounds: i === 0 ? none : (others[i - 1] ?? []),
      ...(i > 0 && { against: { name: "no tee", rounds: none } }),
      ...("targetRatio" in each && { targetRatio: each.targetRatio }),
    }));
  } finally {
    await Promise.all(contenders.map((each) => each.end()));
    await bundle.dispose();
  }
}
