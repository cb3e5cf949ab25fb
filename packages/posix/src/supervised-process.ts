import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Fd } from "./fd.ts";
import type { FromChild, FromParent } from "./supervised-messages.ts";

/** A process that lived so long is not one that fails at once. */
const STEADY_MS = 10_000;
const LONGEST_DELAY_MS = 5000;

/** Options of `SupervisedProcess`. */
export interface SupervisedOptions {
  /** The module that the process runs. It calls `runSupervised`. */
  readonly entry: URL;
  /** What it starts from, asked for each time that there is to be a process. It is cloned. */
  readonly start: () => unknown;
  /** Descriptors that it has too, from number 4 on. They stay the caller's, and open. */
  readonly fds?: readonly Fd[];
  /**
   * After how many milliseconds another process takes the place of one that died, twice as many each time that it dies
   * soon, 5000 at most. Default 50.
   */
  readonly restartMs?: number;
  /** How many milliseconds it has to close what it has before it is killed. Default 10000. */
  readonly closeMs?: number;
  /** Arguments for Node, a loader among them. Default: this process's. */
  readonly execArgv?: readonly string[];
  /** What it is called in what is logged. Default "the process". */
  readonly name?: string;
  /** Told in words what happens, and what the process says. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** The number of the first of `SupervisedOptions.fds` in the process. */
export const FIRST_SUPERVISED_FD = 4;

/** A process that another takes the place of when it dies, until it is closed. It ends with this one. */
export class SupervisedProcess {
  /** How often another process had to take over. */
  restarts = 0;
  readonly #options: SupervisedOptions;
  readonly #restartMs: number;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs: number;
  #nextId = 1;
  #closed = false;
  /** One has worked: from then on another takes the place of one that dies. */
  #worked = false;

  private constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#restartMs = options.restartMs ?? 50;
    this.#delayMs = this.#restartMs;
  }

  /** Starts it, and resolves when it works. @throws (rejects) Error where the first process cannot */
  static async start(options: SupervisedOptions): Promise<SupervisedProcess> {
    const supervised = new SupervisedProcess(options);
    await supervised.#start();
    return supervised;
  }

  /** The process that works now; -1 between two of them. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /**
   * Asks it something. What is asked and answered is cloned.
   * @throws (rejects) Error with what it throws, or where it dies meanwhile
   */
  ask(request: unknown): Promise<unknown> {
    const child = this.#child;
    if (child === null) return Promise.reject(new Error(`${this.#name} does not run now`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      send(child, { kind: "ask", id, request });
    });
  }

  /** Ends it, if need be by force, and resolves when it has ended. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    send(child, { kind: "close" });
    const timer = setTimeout(() => child.kill("SIGKILL"), this.#options.closeMs ?? 10_000);
    await ended;
    clearTimeout(timer);
  }

  get #name(): string {
    return this.#options.name ?? "the process";
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }

  async #start(): Promise<void> {
    const { entry, start, fds = [], execArgv = process.execArgv } = this.#options;
    const child = fork(fileURLToPath(entry), {
      execArgv: [...execArgv],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc", ...fds.map((fd) => fd.number)],
    });
    this.#child = child;
    const startedMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      child.on("message", (message: FromChild) => {
        if (message.kind === "ready") resolve();
        else if (message.kind === "log") this.#log(message.line);
        else if (message.kind === "answer") this.#answered(message);
        else {
          reject(new Error(message.error));
          child.kill("SIGKILL");
        }
      });
      child.once("exit", (code, signal) => {
        const reason = `${this.#name} ended with ${signal ?? code}`;
        this.#ended(reason);
        // Nobody listens any more where it has worked before.
        reject(new Error(reason));
        if (this.#worked) this.#restartLater(performance.now() - startedMs, reason);
      });
      child.once("error", reject);
      send(child, { kind: "start", data: start() });
    });
    this.#worked = true;
  }

  #answered({ id, value, error }: FromChild & { readonly kind: "answer" }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }

  #ended(reason: string): void {
    this.#child = null;
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }

  #restartLater(livedMs: number, reason: string): void {
    if (this.#closed) return;
    if (livedMs > STEADY_MS) this.#delayMs = this.#restartMs;
    this.#log(`${reason}; another one in ${this.#delayMs} ms`);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.restarts++;
      // What it ends with is told, and tried again, where it ends.
      this.#start().catch((error: Error) => this.#log(error.message));
    }, this.#delayMs);
    this.#delayMs = Math.min(2 * this.#delayMs, LONGEST_DELAY_MS);
  }
}

function send(child: ChildProcess, message: FromParent): void {
  // Where it is gone, its end says so.
  if (child.connected) child.send(message, () => {});
}
