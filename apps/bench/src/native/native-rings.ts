import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BATCH } from "../loops/loop.ts";
import { Contender } from "../measure/contender.ts";
import { firstCompiler } from "./compiler.ts";

const SOURCE = fileURLToPath(new URL("../../native/rings.c", import.meta.url));
const FLAGS = ["-O3", "-march=native"];

/** What the native program does to each frame. */
export type NativeMode = "collect" | "transmit" | "receive";

/** The native baseline, compiled on this machine. */
export class NativeRings {
  /** Compiler and flags, for the record. */
  readonly about: string;
  readonly #folder: string;

  private constructor(folder: string, about: string) {
    this.#folder = folder;
    this.about = about;
  }

  /** Compiles it. Null where there is no compiler. @throws Error where the compiler refuses the program */
  static async make(): Promise<NativeRings | null> {
    const compiler = await firstCompiler();
    if (compiler === null) return null;
    const folder = await mkdtemp(join(tmpdir(), "vmmkit-bench-"));
    await promisify(execFile)(compiler.file, [...FLAGS, "-o", join(folder, "rings"), SOURCE]);
    return new NativeRings(folder, `${compiler.version} ${FLAGS.join(" ")}`);
  }

  /**
   * Starts a process that runs one mode on frames of `bytes` bytes.
   * @param batch how many frames at a time, 1 to 128
   * @param queues how many guests it serves in turns
   */
  start(mode: NativeMode, bytes: number, batch: number = BATCH, queues = 1): Contender {
    const name = [
      `C, ${mode}, ${bytes} B`,
      ...(batch === BATCH ? [] : [`batches of ${batch}`]),
      ...(queues === 1 ? [] : [`${queues} queues`]),
    ].join(", ");
    const args = [mode, String(bytes), String(batch), String(queues)];
    return new Contender(name, join(this.#folder, "rings"), args);
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
