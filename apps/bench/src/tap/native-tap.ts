import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const COMPILERS = ["cc", "gcc", "clang"];
const FLAGS = ["-O3", "-march=native"];
const SOURCE = fileURLToPath(new URL("../../native/tap.c", import.meta.url));

/** The native program, compiled on this machine. */
export class NativeTap {
  /** Where it is. */
  readonly file: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, "tap");
  }

  /** Compiles it. Null where there is no compiler. @throws Error where the compiler refuses the program */
  static async make(): Promise<NativeTap | null> {
    for (const compiler of COMPILERS) {
      const there = await run(compiler, ["--version"]).catch(() => null);
      if (there === null) continue;
      const folder = await mkdtemp(join(tmpdir(), "vmmkit-bench-"));
      await run(compiler, [...FLAGS, "-o", join(folder, "tap"), SOURCE]);
      return new NativeTap(folder);
    }
    return null;
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
