import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { LoopOptions } from "../loops/loop.ts";
import { Contender } from "./contender.ts";

/** What is built: each a program of its own. */
const PROGRAMS = ["child", "idle-cards", "start"] as const;

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

  /** Starts a process that runs the loop `loop`. */
  start(name: string, loop: string, options: LoopOptions): Contender {
    const flags = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];
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
