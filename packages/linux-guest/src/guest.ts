import type { CommandResult, GuestJob } from "./command-channel.ts";

/** Where a boot is. */
export interface BootProgress {
  /** What runs: SeaBIOS, the kernel, the first programs, or everything. */
  readonly phase: "firmware" | "kernel" | "userspace" | "ready";
  /** From 0 to 1, an estimate but for 1, which is certain. */
  readonly fraction: number;
}

/** How long `run` lets a command take where nothing else is said. */
export const DEFAULT_RUN_TIMEOUT_MS = 60_000;

/** How a command is run. */
export interface RunCommandOptions {
  /** After so long it is killed. Default 60,000. */
  readonly timeoutMs?: number;
}

/** A Linux guest, in this thread or in another. */
export interface Guest {
  /** All that the guest wrote to its console so far, at most the last 256 Ki characters. */
  readonly consoleText: string;
  /** Where the boot is. */
  readonly progress: BootProgress;
  /**
   * Comes when the guest takes commands, with the kernel's release.
   * Rejects with GuestTimeoutError or GuestStoppedError where it does not get there.
   */
  ready(): Promise<string>;
  /**
   * Runs a shell script in a shell of its own and waits for its end. Several may run at once.
   * Rejects with GuestTimeoutError (the command is killed) or GuestStoppedError; a status that is not 0 is an answer.
   */
  run(command: string, options?: RunCommandOptions): Promise<CommandResult>;
  /** Starts a shell script and does not wait. Only once the guest is ready. */
  start(command: string): GuestJob;
  /** Types on the guest's console, where a shell listens if `shell` was asked for. */
  sendText(text: string): void;
  /** Reboots the guest from within, with its devices kept, and comes when it is ready again. */
  reboot(): Promise<string>;
  /** Asks what was attached to the emulator; see `Attachment.ask`. Rejects where it answers no questions. */
  ask(request: unknown): Promise<unknown>;
  /** Ends the guest. What waits for it is rejected. A second call does nothing. */
  destroy(): Promise<void>;
}

/** What was put into an emulator by an `attach` function. */
export interface Attachment {
  /** Answers questions of the guest's owner: counters, link state. Question and answer can be cloned. */
  ask?(request: unknown): unknown;
  /** Called after the emulator has stopped. */
  close?(): void | Promise<void>;
}
