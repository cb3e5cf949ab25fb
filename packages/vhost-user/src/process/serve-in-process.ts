import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ChildMessage, ParentMessage, StartMessage } from "./messages.ts";

/** A back-end that lived so long is not one that fails at once. */
const STEADY_MS = 10_000;
const LONGEST_DELAY_MS = 5000;

/** Options of `serveInProcess`: one of `listen` and `connect`. */
export interface ServeInProcessOptions {
  /** The module that makes the device: its URL. It exports a `BackendModule`. */
  readonly module: URL;
  /** What the module is given. It is cloned. */
  readonly data?: unknown;
  /** As `serveVhostUser` has it. */
  readonly listen?: string;
  /** As `serveVhostUser` has it. */
  readonly connect?: string;
  /** As `serveVhostUser` has it. */
  readonly mode?: number;
  /** How long the process goes on looking after something came, as `Poller` has it. Default 50: it has a processor to itself. */
  readonly spinUs?: number;
  /**
   * After how many milliseconds another process takes the place of one that died, twice as many each time that it dies
   * soon, 5000 at most. Default 50.
   */
  readonly restartMs?: number;
  /** Arguments for Node, a loader among them. Default: this process's. */
  readonly execArgv?: readonly string[];
  /** Told in words what happens. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** A back-end in a process of its own. */
export interface ServedProcess {
  /** The process that serves now; -1 between two of them. */
  readonly pid: number;
  /** How often another process had to take over. */
  readonly restarts: number;
  /** What the module's `report` says. @throws (rejects) Error where the process dies meanwhile */
  report(): Promise<unknown>;
  /** Ends it: the front-end finds its connection closed, and the socket's file is gone. */
  close(): Promise<void>;
}

/**
 * Serves a device's rings as `serveVhostUser` does, in a process of its own that is watched: it has a processor to itself,
 * and when it dies, by whatever the front-end did to memory that both have mapped (SIGBUS) or by a fault of its own,
 * another one takes its place and a front-end that comes back goes on.
 * @throws (rejects) TypeError for options that do not go together; Error where the first process cannot serve
 */
export async function serveInProcess(options: ServeInProcessOptions): Promise<ServedProcess> {
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements ServedProcess {
  restarts = 0;
  readonly #execArgv: readonly string[];
  readonly #restartMs: number;
  readonly #log: (line: string) => void;
  readonly #start: StartMessage;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs: number;
  #nextId = 1;
  #closed = false;
  /** One has served: from then on another takes the place of one that dies. */
  #served = false;

  constructor(options: ServeInProcessOptions) {
    const { module, data, listen, connect, mode = 0o600, spinUs = 50, restartMs = 50, log = () => {} } = options;
    if ((listen === undefined) === (connect === undefined)) {
      throw new TypeError('"options" expected exactly one of listen and connect');
    }
    const where = connect === undefined ? { listen: listen ?? "", mode } : { connect };
    this.#execArgv = options.execArgv ?? process.execArgv;
    this.#restartMs = restartMs;
    this.#log = log;
    this.#start = { kind: "start", module: module.href, data, where, spinUs };
    this.#delayMs = restartMs;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts a process, and resolves when it serves. */
  start(): Promise<void> {
    const entry = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url);
    const child = fork(fileURLToPath(entry), {
      execArgv: [...this.#execArgv],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    const startedMs = performance.now();
    return new Promise<void>((resolve, reject) => {
      child.on("message", (message: ChildMessage) => {
        if (message.kind === "ready") resolve();
        else if (message.kind === "log") this.#log(message.line);
        else if (message.kind === "report") this.#answered(message.id, message.value);
        else {
          reject(new Error(message.error));
          child.kill("SIGKILL");
        }
      });
      child.once("exit", (code, signal) => {
        const reason = `the process of the back-end ended with ${signal ?? code}`;
        this.#ended(reason);
        // Nobody listens any more where it has served before.
        reject(new Error(reason));
        if (this.#served) this.#restartLater(performance.now() - startedMs, reason);
      });
      child.once("error", reject);
      send(child, this.#start);
    }).then(() => {
      this.#served = true;
    });
  }

  report(): Promise<unknown> {
    const child = this.#child;
    if (child === null) return Promise.reject(new Error("the back-end has no process now"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      send(child, { kind: "report", id });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    send(child, { kind: "close" });
    await ended;
  }

  #answered(id: number, value: unknown): void {
    this.#waiting.get(id)?.resolve(value);
    this.#waiting.delete(id);
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
      this.start().catch(() => {});
    }, this.#delayMs);
    this.#delayMs = Math.min(2 * this.#delayMs, LONGEST_DELAY_MS);
  }
}

function send(child: ChildProcess, message: ParentMessage): void {
  if (child.connected) child.send(message);
}
