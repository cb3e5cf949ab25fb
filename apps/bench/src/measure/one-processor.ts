import { execFileSync } from "node:child_process";
import { cpus } from "node:os";

/**
 * Has a process run on the last processor alone, from now on, with all its threads: processors of one machine work at paces
 * of their own, and those that are compared should have the same. Without effect where there is no `taskset`, or one
 * processor.
 */
export function runOnOneProcessor(pid: number): void {
  const last = cpus().length - 1;
  if (last < 1) return;
  try {
    execFileSync("taskset", ["-a", "-p", "-c", String(last), String(pid)], { stdio: "ignore" });
  } catch {
    // Not on this machine.
  }
}
