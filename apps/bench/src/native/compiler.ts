import { execFile } from "node:child_process";
import { promisify } from "node:util";

const COMPILERS = ["cc", "gcc", "clang"];

/** A C compiler of this machine. */
export interface Compiler {
  readonly file: string;
  readonly version: string;
}

/** The first one that there is, or null. */
export async function firstCompiler(): Promise<Compiler | null> {
  for (const file of COMPILERS) {
    try {
      const { stdout } = await promisify(execFile)(file, ["--version"]);
      return { file, version: stdout.split("\n")[0] ?? file };
    } catch {
      // Not this one.
    }
  }
  return null;
}
