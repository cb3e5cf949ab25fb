import { type Transferable, Worker } from "node:worker_threads";
import type { CommandResult, GuestJob } from "./command-channel.ts";
import { ConsoleText } from "./console-text.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { GuestStoppedError } from "./errors.ts";
import { type BootProgress, DEFAULT_RUN_TIMEOUT_MS, type Guest, type RunCommandOptions } from "./guest.ts";
import {
  errorOf,
  type GuestCall,
  type GuestMessage,
  type GuestRequest,
  type GuestThreadData,
} from "./guest-messages.ts";
import type { GuestListeners, GuestOptions } from "./linux-guest.ts";
import { withTimeout } from "./with-timeout.ts";

/** Options of a guest in a thread of its own. */
export interface GuestThreadOptions extends GuestOptions, GuestListeners {
  /**
   * Module that puts devices into the emulator, run in the guest's thread. It exports
   * `attach(emulator: V86, data): Attachment | Promise<Attachment>`, and may be TypeScript.
   */
  readonly attachModule?: URL;
  /** Its second argument. It is cloned. */
  readonly attachData?: unknown;
  /** What of `attachData` goes to the thread for good, as message ports do. */
  readonly transferList?: readonly Transferable[];
}

/** A LinuxGuest in a worker thread, so that several guests run at once and none holds up its owner. */
export class GuestThread implements Guest {
  readonly #worker: Worker;
  readonly #console: ConsoleText;
  readonly #waiters = new Map<number, Deferred<unknown>>();
  readonly #options: GuestThreadOptions;
  #nextId = 1;
  #progress: BootProgress = { phase: "firmware", fraction: 0 };
  #stopped: GuestStoppedError | null = null;
  #destroyed: Promise<void> | null = null;

  /** Starts the thread. Impossible options come out at `ready()`. */
  constructor(options: GuestThreadOptions) {
    const { attachModule, attachData, transferList = [], onConsole, onProgress, ...rest } = options;
    this.#options = options;
    this.#console = new ConsoleText(() => {});
    const data: GuestThreadData = { options: rest, attachModule: attachModule?.href ?? null, attachData };
    this.#worker = new Worker(new URL("./guest-worker-entry.js", import.meta.url), {
      workerData: data,
      transferList: [...transferList],
      // The entry registers the loader that it needs; a second one from the parent would do all work twice.
      execArgv: [],
    });
    this.#worker.on("message", (message: GuestMessage) => this.#onMessage(message));
    this.#worker.on("error", (error) => this.#stop(new GuestStoppedError(`the guest's thread failed: ${error}`)));
    this.#worker.on("exit", () => this.#stop(new GuestStoppedError("the guest's thread ended")));
  }

  get consoleText(): string {
    return this.#console.text;
  }

  get progress(): BootProgress {
    return this.#progress;
  }

  ready(): Promise<string> {
    return this.#call({ kind: "ready" }) as Promise<string>;
  }

  async run(command: string, { timeoutMs = DEFAULT_RUN_TIMEOUT_MS }: RunCommandOptions = {}): Promise<CommandResult> {
    await this.ready();
    return withTimeout(this.start(command), command, timeoutMs);
  }

  start(command: string): GuestJob {
    const id = this.#nextId;
    const result = this.#call({ kind: "command", command }) as Promise<CommandResult>;
    return { result, kill: (signal = "TERM") => this.#send({ kind: "kill", id, signal }) };
  }

  sendText(text: string): void {
    this.#send({ kind: "text", text });
  }

  reboot(): Promise<string> {
    return this.#call({ kind: "reboot" }) as Promise<string>;
  }

  ask(request: unknown): Promise<unknown> {
    return this.#call({ kind: "ask", request });
  }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#end();
    return this.#destroyed;
  }

  #call(call: GuestCall): Promise<unknown> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped);
    const waiter = deferred<unknown>();
    const id = this.#nextId++;
    this.#waiters.set(id, waiter);
    this.#send({ kind: "call", id, call });
    return waiter.promise;
  }

  #send(request: GuestRequest): void {
    this.#worker.postMessage(request);
  }

  #onMessage(message: GuestMessage): void {
    if (message.kind === "console") {
      this.#console.keep(message.text);
      this.#options.onConsole?.(message.text);
    } else if (message.kind === "progress") {
      this.#progress = message.progress;
      this.#options.onProgress?.(message.progress);
    } else {
      const waiter = this.#waiters.get(message.id);
      this.#waiters.delete(message.id);
      if (message.kind === "answer") waiter?.resolve(message.value);
      else waiter?.reject(errorOf(message));
    }
  }

  #stop(reason: GuestStoppedError): void {
    this.#stopped ??= reason;
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(this.#stopped);
  }

  async #end(): Promise<void> {
    // Asked first, so that what is attached can close; a thread that has failed answers with a rejection.
    await this.#call({ kind: "destroy" }).catch(() => {});
    this.#stopped ??= new GuestStoppedError("the guest was destroyed");
    await this.#worker.terminate();
  }
}
