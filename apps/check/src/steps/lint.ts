import { runTool } from "../command.ts";
import type { Step } from "../step.ts";

/** Biome, for everything. A warning is a failure. */
export const lint: Step = {
  name: "lint",
  about: "one format, one set of lint rules",
  async run({ root }) {
    const args = ["check", "--error-on-warnings", "--no-errors-on-unmatched", "."];
    const { code, output } = await runTool("@biomejs/biome", "biome", args, { cwd: root });
    return { ok: code === 0, report: output };
  },
};
