import { runTool } from "../command.ts";
import type { Step } from "../step.ts";

/**
 * The benchmarks' short form: it proves that they run, and says what got slower against native code. That alone fails
 * nothing: a busy machine says so of anything.
 */
export const bench: Step = {
  name: "bench",
  about: "the card's cost against native code, short form; reports, and fails nothing by itself",
  async run({ root, print }) {
    const args = ["apps/bench/src/cli.ts", "--short", "--check"];
    const { code, output } = await runTool("tsx", "tsx", args, { cwd: root });
    const lines = output.split("\n");
    const verdict = lines.filter((line) => / ratios? compared with /.test(line)).at(-1);
    if (verdict === undefined) return { ok: false, report: `the benchmarks ended with ${code}:\n${output}` };
    for (const line of lines) if (line.startsWith("slower: ")) print(line);
    return { ok: true, summary: verdict };
  },
};
