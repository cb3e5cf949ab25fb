import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { LoopOptions } from "../loops/loop.ts";
import { Contender } from "./contender.ts";

/** What is built: each a program of its own. */
const PROGRAMS = ["child", "idle-cards", "start"] as const;

const UNCOLLECTED = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];

/** The card's loops as plain JavaScript, as an embedder would bundle them: processes start at once. */
export class LoopBundle {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Builds it into a temporary folder; `dispose` removes that. */
  static async make(): Promise<LoopBundle> {
    const folder = await mkdtemp(join(tmpdir(), "vmmkit-bench-"));
    const loops = new URL("../loops/", import.meta.url);
    await build({
      entryPoints: PROGRAMS.map((name) => fileURLToPath(new URL(`${name}.ts`, loops))),
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      platform: "node",
      format: "esm",
      // As the packages are published: no syntax is brought down.
      target: "es2022",
      logLevel: "warning",
    });
    return new LoopBundle(folder);
  }

  /**
   * Starts a process that runs the loop `loop`.
   * @param flags Node's. Default: a young generation so large that nothing is collected. A loop that allocates for each
   * frame wants Node as it is: it would go through all of that memory, and time the kernel's pages
   */
  start(name: string, loop: string, options: LoopOptions, flags: readonly string[] = UNCOLLECTED): Contender {
    const args = [...flags, this.path("child"), loop, JSON.stringify(options)];
    return new Contender(name, process.execPath, args, isAnswer);
  }

  /** Where a program is. */
  path(program: (typeof PROGRAMS)[number]): string {
    return join(this.#folder, `${program}.mjs`);
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The engine's own lines start with a bracket or a blank. */
function isAnswer(line: string): boolean {
  return /^(-?[\d.]|NaN|ok|collected)/.test(line);
}
