import type { Figure, SectionContext } from "../section.ts";
import { BenchNetwork } from "./bench-network.ts";
import type { NativeTap } from "./native-tap.ts";
import { startProgram } from "./programs.ts";

const ROUNDS = 9;
const WARM_UP_PINGS = 3000;

/**
 * From frame to reaction: the round trip of a frame of 64 bytes that a program in C sends, and that comes back from
 * an echo on the other end of a TAP interface. The echoes take turns.
 */
export async function latencyFigures(native: NativeTap, { short, say }: SectionContext): Promise<Figure[]> {
  say("frame to reaction");
  const network = new BenchNetwork("echo");
  const echoes = [
    { name: "main", contender: startProgram(network, "ours", native, "echo", "main") },
    { name: "worker", contender: startProgram(network, "ours", native, "echo", "worker", "--worker") },
    { name: "native", contender: startProgram(network, "C", native, "echo", "native") },
  ];
  const pinger = startProgram(network, "C", native, "ping");
  try {
    // They say so when they listen. An empty question is none.
    await Promise.all(echoes.map(({ contender }) => contender.ask("")));
    for (const { name } of echoes) await pinger.ask(`ping ${name} ${WARM_UP_PINGS}`);
    const rounds: number[][] = echoes.map(() => []);
    const count = short ? 500 : 3000;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, { name }] of echoes.entries()) {
        rounds[i]?.push(Number(await pinger.ask(`ping ${name} ${count}`)) / 1000);
      }
    }
    const [main = [], worker = [], c = []] = rounds;
    const figure = (name: string, own: number[], targetRatio: number): Figure => ({
      name,
      unit: "us",
      lessIsBetter: true,
      rounds: own,
      against: { name: "C, poll", rounds: c },
      targetRatio,
    });
    return [
      figure("frame to reaction, main thread", main, 1.4),
      figure("frame to reaction, worker that waits", worker, 1.1),
    ];
  } finally {
    for (const { contender } of echoes) await contender.end();
    await pinger.end();
    network.close();
  }
}
