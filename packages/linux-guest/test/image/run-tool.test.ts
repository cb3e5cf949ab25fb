import { expect, test } from "vitest";
import { GuestImageError } from "../../src/errors.ts";
import { mustRun, runTool } from "../../src/image/run-tool.ts";

test("status, output and complaint come back", async () => {
  const { code, stdout, stderr } = await runTool("sh", ["-c", "echo out; echo err >&2; exit 3"]);
  expect([code, stdout.toString(), stderr]).toEqual([3, "out\n", "err\n"]);
});

test("lines of file descriptor 3 are told", async () => {
  const lines: string[] = [];
  await runTool("sh", ["-c", "echo one >&3; echo two >&3"], { onStatusLine: (line) => lines.push(line) });
  expect(lines).toEqual(["one", "two"]);
});

test("standard input is empty where nothing is said", async () => {
  expect((await mustRun("cat", [])).toString()).toBe("");
});

test("a program that is not there is named", async () => {
  const running = runTool("no-such-program", []);
  await expect(running).rejects.toThrow(GuestImageError);
  await expect(running).rejects.toThrow('"no-such-program" is not installed');
});

test("a program that must not fail throws with the end of its complaint", async () => {
  const running = mustRun("sh", ["-c", "for i in 1 2 3 4 5 6; do echo line $i >&2; done; exit 2"]);
  await expect(running).rejects.toThrow("sh failed (status 2): line 3 | line 4 | line 5 | line 6");
});
