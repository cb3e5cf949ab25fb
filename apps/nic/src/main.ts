import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { makeProgram } from "./program.ts";

/** The command line makes no sense. */
const MISUSE = 2;

/** Runs the command. @param args what stands behind its name @returns the status to end with */
export async function main(args: readonly string[]): Promise<number> {
  let status = 0;
  const program = makeProgram({
    readFile: (path) => readFileSync(path, "utf8"),
    fail: () => {
      status = 1;
    },
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    // Commander has said what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSE;
    process.stderr.write(`nic: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
