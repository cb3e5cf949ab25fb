import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { runOnOneProcessor } from "./one-processor.ts";

/**
 * A process that runs one loop for as long as it is asked to, and sleeps in between. So contenders written in any
 * language take turns, and none disturbs another.
 */
export class Contender {
  readonly name: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  #waiting: ((line: string) => void) | null = null;
  #failed: ((error: Error) => void) | null = null;
  /** Lines between the answers: what the engine prints. */
  readonly #others: string[] = [];
  readonly #isAnswer: (line: string) => boolean;

  /** @param isAnswer which lines are answers, where others may come in between. Default: all */
  constructor(name: string, file: string, args: readonly string[], isAnswer: (line: string) => boolean = () => true) {
    this.name = name;
    this.#isAnswer = isAnswer;
    this.#process = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.stdin.on("error", () => {});
    this.#process.on("error", (error) => this.#failed?.(error));
    this.#process.on("close", (code) => this.#failed?.(new Error(`${name}: ended with ${code} before it answered`)));
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#lines.on("line", (line) => this.#take(line));
  }

  /** See `runOnOneProcessor`. @returns itself */
  onOneProcessor(): this {
    if (this.#process.pid !== undefined) runOnOneProcessor(this.#process.pid);
    return this;
  }

  /** Sends a line and waits for the answer. @throws Error where the process ends */
  ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#failed = reject;
      this.#process.stdin.write(`${line}\n`);
    });
  }

  /** One round of `milliseconds`. @returns its figure */
  async round(milliseconds: number): Promise<number> {
    return Number(await this.ask(`round ${milliseconds}`));
  }

  /** Ends the process. @returns the lines that were no answers, once all have come */
  end(): Promise<readonly string[]> {
    return new Promise((resolve) => {
      this.#failed = null;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) resolve(this.#others);
      else this.#process.once("close", () => resolve(this.#others));
      this.#process.stdin.end();
    });
  }

  #take(line: string): void {
    const waiting = this.#waiting;
    if (waiting === null || !this.#isAnswer(line)) {
      this.#others.push(line);
      return;
    }
    this.#waiting = null;
    waiting(line);
  }
}
