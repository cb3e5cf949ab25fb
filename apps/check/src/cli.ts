import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runSteps } from "./run-steps.ts";
import type { Step } from "./step.ts";
import { bench } from "./steps/bench.ts";
import { coverage } from "./steps/coverage.ts";
import { layers } from "./steps/layers.ts";
import { lint } from "./steps/lint.ts";
import { packages } from "./steps/packages.ts";
import { snippets } from "./steps/snippets.ts";
import { tests } from "./steps/tests.ts";
import { types } from "./steps/types.ts";
import { unused } from "./steps/unused.ts";

/** In this order: what is quick and likely to fail comes first, and the count of tests is the last line. */
const STEPS: readonly Step[] = [lint, types, unused, layers, coverage, snippets, packages, bench, tests];

const HELP = `Usage: pnpm check [step ...]

Runs every check of this repository, or only the steps that are named:

${STEPS.map((step) => `  ${step.name.padEnd(10)}${step.about}`).join("\n")}
`;

async function main(names: readonly string[]): Promise<number> {
  if (names.includes("--help") || names.includes("-h")) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`check: no step is called "${unknown.join('", "')}"\n\n${HELP}`);
    return 2;
  }
  const root = resolve(fileURLToPath(import.meta.url), "../../../..");
  const chosen = names.length === 0 ? STEPS : STEPS.filter((step) => names.includes(step.name));
  return runSteps(chosen, { root, print: (line) => process.stdout.write(`${line}\n`) });
}

process.exitCode = await main(process.argv.slice(2));
