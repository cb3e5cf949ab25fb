import type { CommandResult } from "./command-channel.ts";
import { GuestImageError, GuestOptionError, GuestStoppedError, GuestTimeoutError } from "./errors.ts";
import type { BootProgress } from "./guest.ts";
import type { GuestOptions } from "./linux-guest.ts";

/** What a guest's thread is started with. */
export interface GuestThreadData {
  readonly options: GuestOptions;
  /** Address of a module that exports `attach(emulator, data)`, or null. */
  readonly attachModule: string | null;
  /** Its second argument. */
  readonly attachData: unknown;
}

/** What the owner asks for. */
export type GuestCall =
  | { readonly kind: "ready" }
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "reboot" }
  | { readonly kind: "ask"; readonly request: unknown }
  | { readonly kind: "destroy" };

/** What the owner sends. A call gets one answer of the same id; to kill a command is to name its call. */
export type GuestRequest =
  | { readonly kind: "call"; readonly id: number; readonly call: GuestCall }
  | { readonly kind: "kill"; readonly id: number; readonly signal: string }
  | { readonly kind: "text"; readonly text: string };

/** What the thread says. */
export type GuestMessage =
  | { readonly kind: "answer"; readonly id: number; readonly value: string | CommandResult | unknown }
  | { readonly kind: "error"; readonly id: number; readonly name: string; readonly message: string }
  | { readonly kind: "console"; readonly text: string }
  | { readonly kind: "progress"; readonly progress: BootProgress };

const ERRORS: readonly (new (message: string) => Error)[] = [
  GuestImageError,
  GuestOptionError,
  GuestStoppedError,
  GuestTimeoutError,
];

/** An error as a message: between threads an error's class is lost. */
export function errorMessage(id: number, error: unknown): GuestMessage {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { kind: "error", id, name, message };
}

/** The error of a message, of the class that its name says. */
export function errorOf(message: Extract<GuestMessage, { kind: "error" }>): Error {
  for (const GuestError of ERRORS) {
    const error = new GuestError(message.message);
    if (error.name === message.name) return error;
  }
  return new Error(`${message.name}: ${message.message}`);
}
