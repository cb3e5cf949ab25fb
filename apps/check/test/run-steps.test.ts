import { describe, expect, test } from "vitest";
import { runSteps } from "../src/run-steps.ts";
import type { Step, StepResult } from "../src/step.ts";

function step(name: string, result: StepResult | Error, ran: string[] = []): Step {
  return {
    name,
    about: `about ${name}`,
    run() {
      ran.push(name);
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
  };
}

async function run(steps: readonly Step[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const code = await runSteps(steps, { root: "/", print: (line) => lines.push(line) });
  return { code, lines };
}

describe("running the steps of the gate", () => {
  test("all pass: code 0, and the count of tests is the last line", async () => {
    const { code, lines } = await run([
      step("one", { ok: true, summary: "3 files" }),
      step("tests", { ok: true, lastLine: "5 passed, 0 failed" }),
    ]);
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe("5 passed, 0 failed");
    expect(lines.filter((line) => /^one +\d+\.\d s {2}ok {2}\(3 files\)$/.test(line))).toHaveLength(1);
  });

  test("a failed step stops the run, tells why, and the table says what was not run", async () => {
    const ran: string[] = [];
    const { code, lines } = await run([
      step("one", { ok: false, report: "line 7 is wrong" }, ran),
      step("two", { ok: true }, ran),
    ]);
    expect(code).toBe(1);
    expect(ran).toEqual(["one"]);
    expect(lines).toContain("\nline 7 is wrong");
    expect(lines.some((line) => /^one .*FAILED$/.test(line))).toBe(true);
    expect(lines.some((line) => /^two .*not run$/.test(line))).toBe(true);
  });

  test("a step that throws has failed", async () => {
    const { code, lines } = await run([step("one", new Error("no such tool"))]);
    expect(code).toBe(1);
    expect(lines.join("\n")).toContain("no such tool");
  });

  test("failed tests: code 1, and their count is still the last line", async () => {
    const { code, lines } = await run([step("tests", { ok: false, lastLine: "4 passed, 1 failed" })]);
    expect(code).toBe(1);
    expect(lines.at(-1)).toBe("4 passed, 1 failed");
  });
});
