import { BATCH, type LoopOptions } from "../loops/loop.ts";
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

/** Measures loops in turns, each against its native program. Every native program runs once. */
export async function loopFigures(cases: readonly LoopCase[], { short, say }: SectionContext): Promise<Figure[]> {
  const bundle = await LoopBundle.make();
  const native = await NativeRings.make();
  if (native === null) say("no C compiler on the PATH: no ratios to native code");
  const natives = native === null ? [] : [...new Set(cases.map(nativeKey))];
  const contenders = [
    ...natives.map((key) => native?.start(...splitKey(key))).filter((each) => each !== undefined),
    ...cases.map(({ name, loop, options }) => bundle.start(name, loop, options)),
  ];
  try {
    const rounds = await takeTurns(contenders, short ? SHORT : LONG);
    return cases.map((each, i) => {
      const peer = natives.indexOf(nativeKey(each));
      const against = rounds[peer];
      return {
        name: each.name,
        unit: "ns/frame",
        lessIsBetter: true,
        rounds: rounds[natives.length + i] ?? [],
        ...(each.target === undefined ? {} : { target: each.target }),
        ...(against === undefined ? {} : { against: { name: contenders[peer]?.name ?? "", rounds: against } }),
      };
    });
  } finally {
    await Promise.all(contenders.map((each) => each.end()));
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
