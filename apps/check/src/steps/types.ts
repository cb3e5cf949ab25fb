import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../command.ts";
import type { Step } from "../step.ts";
import { readWorkspace } from "../workspace.ts";

/** The compiler, for the source and the tests of every package at once. */
export const types: Step = {
  name: "types",
  about: "TypeScript, sources and tests",
  async run({ root }) {
    const missing = unreferencedProjects(root);
    if (missing.length > 0) {
      return { ok: false, report: `tsconfig.json at the top does not refer to:\n  ${missing.join("\n  ")}` };
    }
    const { code, output } = await runTool("typescript", "tsc", ["-b"], { cwd: root });
    return { ok: code === 0, report: output };
  },
};

/** Projects of packages and apps that the top tsconfig.json leaves out, and that would go unchecked. */
export function unreferencedProjects(root: string): string[] {
  const top = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as { references: { path: string }[] };
  const listed = new Set(top.references.map((reference) => reference.path));
  return readWorkspace(root)
    .flatMap(({ path }) => [path, `${path}/test`])
    .filter((path) => existsSync(join(root, path, "tsconfig.json")) && !listed.has(path));
}
