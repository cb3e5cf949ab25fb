import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pageCommands } from "../page-commands.ts";

const run = promisify(execFile);
const NIC = fileURLToPath(new URL("../../../../nic/bin/nic.js", import.meta.url));

/** A folder in which the commands of a page run as they stand: `nic` is the sources', and QEMU the one that is said. */
export class PageShell {
  readonly folder: string;
  readonly #commands: Map<string, string>;
  readonly #children: ChildProcess[] = [];

  constructor(page: URL) {
    this.folder = mkdtempSync(join(tmpdir(), "vmmkit-page-"));
    this.#commands = new Map(pageCommands(page));
    mkdirSync(join(this.folder, "bin"));
    symlinkSync(NIC, this.at("bin/nic"));
  }

  /** A file in the folder. */
  at(name: string): string {
    return join(this.folder, name);
  }

  /** Has another block, as if it were of the page. */
  add(name: string, text: string): void {
    this.#commands.set(name, text);
  }

  /** Commands of the page. @throws Error where it has no block of that name */
  text(name: string): string {
    const text = this.#commands.get(name);
    if (text === undefined) throw new Error(`the page has no commands for "${name}"`);
    return text.trim();
  }

  /**
   * A command that runs a block, which is a single command itself, and hands more arguments to it.
   * @param qemu what `qemu-system-x86_64` is: a program and its first arguments. Default: the machine's
   */
  command(name: string, qemu: readonly string[] = []): string[] {
    const path = qemu.length === 0 ? this.at("bin") : `${this.#folderOf(qemu)}:${this.at("bin")}`;
    return ["bash", "-euc", `cd '${this.folder}'; PATH='${path}':$PATH; exec ${this.text(name)} "$@"`, name];
  }

  /**
   * Runs a block to its end.
   * @param more arguments behind the block's own
   * @param qemu as `command` has it
   * @returns what it wrote
   * @throws Error where it fails
   */
  async run(name: string, more: readonly string[] = [], qemu: readonly string[] = []): Promise<string> {
    const [program = "", ...args] = this.command(name, qemu);
    return (await run(program, [...args, ...more])).stdout;
  }

  /**
   * Starts a block that goes on until it is ended, and waits until it has said a number of lines.
   * @param prefix what it is run by: `ip netns exec`, say
   */
  async start(name: string, lines: number, prefix: readonly string[] = []): Promise<ChildProcess> {
    const [program = "", ...args] = [...prefix, ...this.command(name)];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.split("\n").length > lines) resolve();
      });
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
    });
    return child;
  }

  /** A folder in which `qemu-system-x86_64` is this program. */
  #folderOf(qemu: readonly string[]): string {
    const folder = this.at("qemu");
    mkdirSync(folder, { recursive: true });
    const program = join(folder, "qemu-system-x86_64");
    writeFileSync(program, `#!/bin/sh\nexec ${qemu.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(program, 0o755);
    return folder;
  }

  /** Ends what was started, and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#children) await end(child, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Sends a process a signal and waits for its end. @returns its status; null where the signal ended it */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
  return child.exitCode;
}
