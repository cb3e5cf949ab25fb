import type { Step, StepContext, StepResult } from "./step.ts";

/** A step that ran, and how long it took. */
interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly result: StepResult;
}

/**
 * Runs steps in order and stops at the first that fails. Shows a line when a step is over, what a failed one has to
 * say, and at the end a table of them all; behind it the count of tests where they ran.
 * @returns the exit code: 0 where every step passed
 */
export async function runSteps(steps: readonly Step[], context: StepContext): Promise<number> {
  const rows: Row[] = [];
  for (const step of steps) {
    context.print(`▸ ${step.name}: ${step.about}`);
    const start = performance.now();
    const result = await attempt(step, context);
    rows.push({ name: step.name, seconds: (performance.now() - start) / 1000, result });
    if (result.ok) continue;
    if (result.report !== undefined) context.print(`\n${result.report}`);
    break;
  }
  for (const line of table(steps, rows)) context.print(line);
  const lastLine = rows.at(-1)?.result.lastLine;
  if (lastLine !== undefined) context.print(lastLine);
  return rows.every((row) => row.result.ok) ? 0 : 1;
}

/** A step that throws has failed like any other; the rest of the report still comes. */
async function attempt(step: Step, context: StepContext): Promise<StepResult> {
  try {
    return await step.run(context);
  } catch (error) {
    return { ok: false, report: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function table(steps: readonly Step[], rows: readonly Row[]): string[] {
  const width = Math.max(...steps.map((step) => step.name.length), "step".length);
  const lines = ["", `${"step".padEnd(width)}      time  result`];
  for (const step of steps) {
    const row = rows.find((done) => done.name === step.name);
    const time = row === undefined ? "–" : `${row.seconds.toFixed(1)} s`;
    lines.push(`${step.name.padEnd(width)}  ${time.padStart(8)}  ${outcome(row)}`);
  }
  const total = rows.reduce((sum, row) => sum + row.seconds, 0);
  lines.push(`${"all".padEnd(width)}  ${`${total.toFixed(1)} s`.padStart(8)}`, "");
  return lines;
}

function outcome(row: Row | undefined): string {
  if (row === undefined) return "not run";
  const { ok, summary } = row.result;
  return `${ok ? "ok" : "FAILED"}${summary === undefined ? "" : `  (${summary})`}`;
}
