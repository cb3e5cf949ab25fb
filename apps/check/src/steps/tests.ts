import { runTool } from "../command.ts";
import { isCountLine } from "../count-line.ts";
import type { Step } from "../step.ts";

/** All tests of all packages and apps, the slow ones with real guests among them. */
export const tests: Step = {
  name: "tests",
  about: "vitest, every project",
  async run({ root, print }) {
    let lastLine: string | undefined;
    const onLine = (line: string): void => {
      if (isCountLine(line)) lastLine = line;
      else print(line);
    };
    const { code } = await runTool("vitest", "vitest", ["run"], { cwd: root, onLine });
    if (lastLine === undefined) return { ok: false, report: "vitest ended without a count of its tests" };
    return { ok: code === 0, lastLine };
  },
};
