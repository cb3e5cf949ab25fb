import { BATCH, type LoopOptions } from "../loops/loop.ts";
import type { Contender } from "../measure/contender.ts";
import { LoopBundle } from "../measure/loop-contender.ts";
import { LONG, SHORT, takeTurns } from "../measure/turns.ts";
import { type NativeMode, NativeRings } from "../native/native-rings.ts";
import type { Figure, SectionContext } from "../section.ts";

/** A loop that is to be measured. */
export interface LoopCase {
  readonly name: string;
  readonly loop: string;
  readonly options: LoopOptions;
  /** The native program that it is compared with; its frames are as long, and its batches as large. */
  readonly native: NativeMode;
  /** How many queues that one serves in turns. Default 1. */
  readonly nativeQueues?: number;
  /** Nanoseconds per frame. */
  readonly target?: number;
}

/**
 * Measures loops in turns on one processor, each right behind its native program: processors work at several paces, each at its
 * own, and change every few seconds, so neighbours mostly have the same one.
 */
export async function loopFigures(cases: readonly LoopCase[], { short, say }: SectionContext): Promise<Figure[]> {
  const bundle = await LoopBundle.make();
  const native = await NativeRings.make();
  if (native === null) say("no C compiler on the PATH: no ratios to native code");
  const natives = new Map<string, Contender>();
  const loops = cases.map(({ name, loop, options }) => bundle.start(name, loop, options).onOneProcessor());
  if (native !== null)
    for (const key of new Set(cases.map(nativeKey))) natives.set(key, native.start(...splitKey(key)).onOneProcessor());
  const peers = cases.map((each) => natives.get(nativeKey(each)) ?? null);
  try {
    const contenders = loops.flatMap((loop, i) => [peers[i] ?? null, loop]).filter((each) => each !== null);
    const rounds = await takeTurns(contenders, short ? SHORT : LONG);
    const perCase = rounds.length / cases.length;
    return cases.map(({ name, target }, i) => {
      const against = perCase === 1 ? null : { name: peers[i]?.name ?? "", rounds: rounds[perCase * i] ?? [] };
      return {
        name,
        unit: "ns/frame",
        lessIsBetter: true,
        rounds: rounds[perCase * (i + 1) - 1] ?? [],
        ...(target === undefined ? {} : { target }),
        ...(against === null ? {} : { against }),
      };
    });
  } finally {
    await Promise.all([...loops, ...natives.values()].map((each) => each.end()));
    await bundle.dispose();
    await native?.dispose();
  }
}

function nativeKey({ native, options, nativeQueues = 1 }: LoopCase): string {
  return `${native} ${options.bytes} ${options.batch ?? BATCH} ${nativeQueues}`;
}

function splitKey(key: string): [NativeMode, number, number, number] {
  const [mode, bytes, batch, queues] = key.split(" ");
  return [mode as NativeMode, Number(bytes), Number(batch), Number(queues)];
}
