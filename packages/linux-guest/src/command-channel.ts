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
  /** Sends a signal (default TERM) to the command and all that it started. Nothing happens where it has ended. */
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
  readonly bytes: Uint8Array;
  filled: number;
}

/** The agent's frames start with it (ASCII "record separator"). */
const RECORD_SEPARATOR = 0x1e;
const NEWLINE = 0x0a;
/** The id of the frame that the agent sends when it is ready for commands. */
const READY_ID = "ready";
/** The guest's serial driver keeps 64 KiB for a reader that is slow. */
const MAX_COMMAND_BYTES = 16 << 10;

/**
 * The host's end of the line to the agent in the guest (`image/init-scripts.ts`): commands go out, frames of
 * "<id> <status> <number of bytes>" and output come in. Several commands may be under way.
 */
export class CommandChannel {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #onReady: (release: string) => void;
  readonly #waiters = new Map<string, Waiter>();
  #nextId = 1;
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
    const id = String(this.#nextId++);
    const result = new Promise<CommandResult>((resolve, reject) => this.#waiters.set(id, { resolve, reject }));
    this.#send(Buffer.from(`${id} ${script.split("\n").length}\n${script}\n`));
    return { result, kill: (signal = "TERM") => this.#kill(id, signal) };
  }

  /** Takes a byte that the guest wrote to the line. */
  receive(byte: number): void {
    if (this.#frame !== null) this.#fill(this.#frame, byte);
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
    const match = /^(\w+) (\d+) (\d+)$/.exec(header);
    if (match === null) return;
    const [, id = "", code, bytes] = match;
    this.#frame = { id, code: Number(code), bytes: new Uint8Array(Number(bytes)), filled: 0 };
    if (this.#frame.bytes.length === 0) this.#finish(id, Number(code), this.#frame.bytes);
  }

  #fill(frame: Frame, byte: number): void {
    frame.bytes[frame.filled++] = byte;
    if (frame.filled === frame.bytes.length) this.#finish(frame.id, frame.code, frame.bytes);
  }

  #finish(id: string, code: number, bytes: Uint8Array): void {
    this.#frame = null;
    const output = new TextDecoder().decode(bytes);
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
