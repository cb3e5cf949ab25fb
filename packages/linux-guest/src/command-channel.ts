import { randomBytes } from "node:crypto";
import { ByteList } from "./byte-list.ts";
import { GuestOptionError } from "./errors.ts";

/** What a command in the guest left behind. */
export interface CommandResult {
  /** Its exit status; 128 and more where a signal ended it. */
  readonly code: number;
  /** What it wrote, standard output and standard error together. */
  readonly output: string;
}

/** A command that runs in the guest. */
export interface GuestJob {
  /** Comes when the command has ended. Rejects with GuestStoppedError where the guest goes away before. */
  readonly result: Promise<CommandResult>;
  /**
   * Sends a signal (default TERM) to the command and all that it started. Nothing happens where it has ended. INT and
   * QUIT do nothing: a shell has the commands that it starts in the background ignore them.
   */
  kill(signal?: string): void;
}

interface Waiter {
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (reason: Error) => void;
}

/** A frame whose output is coming in. */
interface Frame {
  readonly id: string;
  readonly code: number;
  /** What ends the output. Ids are random, so no output holds it by chance. */
  readonly end: Uint8Array;
  readonly output: ByteList;
}

/** The agent's frames start with it (ASCII "record separator"). */
const RECORD_SEPARATOR = 0x1e;
const NEWLINE = 0x0a;
/** The id of the frame that the agent sends when it is ready for commands. */
const READY_ID = "ready";
/** The guest's serial driver keeps 64 KiB for a reader that is slow. */
const MAX_COMMAND_BYTES = 16 << 10;

/**
 * The host's end of the line to the agent in the guest (`image/init-scripts.ts`): commands go out, frames
 * of "<id> <status>", output and "<id>" come in. Several commands may be under way.
 */
export class CommandChannel {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #onReady: (release: string) => void;
  readonly #waiters = new Map<string, Waiter>();
  /** The header of a frame as far as it has come, null between frames. */
  #header: string | null = null;
  #frame: Frame | null = null;

  /**
   * @param send puts bytes on the line
   * @param onReady called with the kernel's release each time the guest has booted
   */
  constructor(send: (bytes: Uint8Array) => void, onReady: (release: string) => void) {
    this.#send = send;
    this.#onReady = onReady;
  }

  /**
   * Starts a shell script in the guest.
   * @throws GuestOptionError for a script that is empty, above 16 KiB, or has control characters but tab and newline
   */
  start(script: string): GuestJob {
    checkScript(script);
    const id = randomBytes(8).toString("hex");
    const result = new Promise<CommandResult>((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
    this.#send(Buffer.from(`${id} ${script.split("\n").length}\n${script}\n`));
    return { result, kill: (signal = "TERM") => this.#kill(id, signal) };
  }

  /** Takes a byte that the guest wrote to the line. */
  receive(byte: number): void {
    if (this.#frame !== null) this.#extendOutput(this.#frame, byte);
    else if (byte === RECORD_SEPARATOR) this.#header = "";
    else if (this.#header !== null) this.#extendHeader(this.#header, byte);
    // Else it is noise: the driver tries the port out while it starts.
  }

  /** Ends all that wait with `reason`, and forgets the frame that was coming in. */
  fail(reason: Error): void {
    const waiters = [...this.#waiters.values()];
    this.#waiters.clear();
    this.#header = null;
    this.#frame = null;
    for (const waiter of waiters) waiter.reject(reason);
  }

  #kill(id: string, signal: string): void {
    if (!/^[A-Z0-9]+$/.test(signal)) throw new GuestOptionError(`"signal" expected a name as TERM, got "${signal}"`);
    if (this.#waiters.has(id)) this.#send(Buffer.from(`kill ${id} ${signal}\n`));
  }

  #extendHeader(header: string, byte: number): void {
    if (byte !== NEWLINE) {
      this.#header = header + String.fromCharCode(byte);
      return;
    }
    this.#header = null;
    const match = /^(\w+) (\d+)$/.exec(header);
    if (match === null) return;
    const [, id = "", code] = match;
    this.#frame = { id, code: Number(code), end: Buffer.from(`\x1e${id}\n`), output: new ByteList() };
  }

  #extendOutput({ id, code, end, output }: Frame, byte: number): void {
    output.push(byte);
    if (byte === NEWLINE && output.endsWith(end)) this.#finish(id, code, output.text(end.length));
  }

  #finish(id: string, code: number, output: string): void {
    this.#frame = null;
    if (id === READY_ID) this.#onReady(output.trim());
    this.#waiters.get(id)?.resolve({ code, output });
    this.#waiters.delete(id);
  }
}

function checkScript(script: string): void {
  const bytes = Buffer.byteLength(script);
  if (script.trim() === "" || bytes > MAX_COMMAND_BYTES) {
    throw new GuestOptionError(`"command" expected 1 to ${MAX_COMMAND_BYTES} bytes, got ${bytes}`);
  }
  // The line is raw, but the guest's shell drops zero bytes, and others are most likely a mistake.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = /[\x00-\x08\x0b-\x1f\x7f]/.exec(script);
  if (control !== null) {
    throw new GuestOptionError(`"command" expected no control characters, got one at position ${control.index}`);
  }
}
