import { runTool } from "../command.ts";
import type { Step } from "../step.ts";

/** Knip: a file, an export or a dependency that nothing uses is to be removed. */
export const unused: Step = {
  name: "unused",
  about: "files, exports and dependencies that nothing uses",
  async run({ root }) {
    const args = [
      "--directory",
      root,
      "--config",
      "apps/check/knip.json",
      "--no-progress",
      "--treat-config-hints-as-errors",
    ];
    const { code, output } = await runTool("knip", "knip", args, { cwd: root });
    return { ok: code === 0, report: output };
  },
};
