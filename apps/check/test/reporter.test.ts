import { resolve } from "node:path";
import { expect, test } from "vitest";
import { runTool } from "../src/command.ts";
import { fixtureTree } from "./support/fixture-tree.ts";

/** Runs vitest with our reporter on test files of its own, and answers its code and its last line. */
async function runVitest(files: Readonly<Record<string, string>>): Promise<{ code: number; last: string | undefined }> {
  const root = fixtureTree({ "package.json": '{ "type": "module" }', ...files });
  const reporter = resolve(import.meta.dirname, "../src/reporter.ts");
  const args = ["run", "--globals", "--root", root, "--reporter", reporter];
  const { code, output } = await runTool("vitest", "vitest", args, { cwd: root });
  return { code, last: output.trimEnd().split("\n").at(-1) };
}

test("the last line of a run counts what passed and failed", async () => {
  const run = await runVitest({
    "a.test.ts": 'test("a", () => {});\ntest("b", () => {});\n',
    "b.test.ts": 'test("c", () => { throw new Error("no"); });\n',
  });
  expect(run).toEqual({ code: 1, last: "2 passed, 1 failed" });
});

test("without failures it says so, and names what was skipped", async () => {
  const run = await runVitest({ "a.test.ts": 'test("a", () => {});\ntest.skip("b", () => {});\n' });
  expect(run).toEqual({ code: 0, last: "1 passed, 0 failed, 1 skipped" });
});

test("a file that does not load and a failing hook count as failed", async () => {
  const run = await runVitest({
    "a.test.ts": 'throw new Error("no");\n',
    "b.test.ts": 'describe("d", () => { beforeAll(() => { throw new Error("no"); }); test("e", () => {}); });\n',
  });
  expect(run.code).toBe(1);
  expect(run.last).toMatch(/^0 passed, [1-9]\d* failed/);
});

test("an error that nobody caught counts as failed", async () => {
  const run = await runVitest({
    "a.test.ts":
      'test("a", async () => { Promise.reject(new Error("no")); await new Promise((r) => setTimeout(r, 20)); });\n',
  });
  expect(run).toEqual({ code: 1, last: "1 passed, 1 failed" });
});
