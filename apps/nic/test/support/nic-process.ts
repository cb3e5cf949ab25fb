import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The command. */
export const NIC: string = fileURLToPath(new URL("../../bin/nic.js", import.meta.url));

/** A `nic` that runs, in a folder of its own. */
export class NicProcess {
  readonly folder: string = mkdtempSync(join(tmpdir(), "vmmkit-nic-"));
  #child: ChildProcess | null = null;
  #said = "";

  /** A file in the folder. */
  at(name: string): string {
    return join(this.folder, name);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it wrote to standard output and to standard error so far. */
  get said(): string {
    return this.#said;
  }

  /** Starts it in the folder, and waits until it has said `until`. @param by what starts it, before its own arguments */
  async start(
    args: readonly string[],
    until: RegExp | string,
    options: SpawnOptions & { readonly by?: readonly string[] } = {},
  ): Promise<void> {
    const [program = "", ...rest] = [...(options.by ?? []), process.execPath, NIC, ...args];
    const child = spawn(program, rest, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"], ...options });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding("utf8").on("data", (text: string) => {
          this.#said += text;
          if (this.#said.search(until) >= 0) resolve();
        });
      }
      child.once("exit", (code) => reject(new Error(`nic ended with ${code}: ${this.#said}`)));
    });
  }

  /** Sends a signal and waits for the end. @returns its status */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    }
    return child.exitCode;
  }

  /** Ends it and removes the folder. */
  async close(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Why a program's tests are left out; null where it is there. */
export function because(program: string, isThere: boolean): string {
  return isThere ? "" : ` (skipped: ${program} is not installed)`;
}
