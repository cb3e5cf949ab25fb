import { readFileSync } from "node:fs";
import { makeProgram } from "./program.ts";

const program = makeProgram((path) => readFileSync(path, "utf8"));
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`nic: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
