import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { processorSeconds } from "../src/measure/processor-time.ts";

it("a process' time has that of the processes that it started, and theirs", async () => {
  const work = "n=0; while [ $n -lt 100000 ]; do n=$((n+1)); done; echo done; read line";
  const parent = spawn("sh", ["-c", `sh -c '${work}'; :`], { stdio: ["pipe", "pipe", "inherit"] });
  await once(parent.stdout, "data");
  try {
    // It did nothing itself but start the other one.
    expect(processorSeconds(parent.pid ?? 0)).toBeGreaterThan(0.02);
  } finally {
    parent.stdin.end("\n");
    await once(parent, "exit");
  }
});
