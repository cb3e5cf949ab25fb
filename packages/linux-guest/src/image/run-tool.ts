import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { GuestImageError } from "../errors.ts";

/** How a program of the system is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Where its standard input comes from. Default: nothing. */
  readonly stdin?: Readable;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Takes the lines that it writes to its file descriptor 3. */
  readonly onStatusLine?: (line: string) => void;
}

/** What a program left behind. */
export interface RunResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Runs a program of the system with its messages in English and gathers what it writes.
 * @throws GuestImageError where the program is not there, or a signal ended it
 */
export async function runTool(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: "C.UTF-8" },
    stdio: [options.stdin ?? "ignore", "pipe", "pipe", options.onStatusLine === undefined ? "ignore" : "pipe"],
    signal: options.signal,
  });
  const ended = new Promise<[code: number | null, signal: string | null]>((resolve, reject) => {
    child.once("close", (code, signal) => resolve([code, signal]));
    child.once("error", (error: NodeJS.ErrnoException) => reject(startError(command, error)));
  });
  followStatus(child.stdio[3] as Readable | null | undefined, options.onStatusLine);
  const [[code, signal], stdout, stderr] = await Promise.all([ended, gather(child.stdout), gather(child.stderr)]);
  if (code === null) throw new GuestImageError(`${command} was ended by ${signal}`);
  return { code, stdout, stderr: stderr.toString() };
}

/**
 * The same, for a program that must succeed.
 * @throws GuestImageError with the last lines of its complaint where it does not
 */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<Buffer> {
  const { code, stdout, stderr } = await runTool(command, args, options);
  if (code !== 0) throw new GuestImageError(`${command} failed (status ${code}): ${lastLines(stderr)}`);
  return stdout;
}

/** The end of a program's complaint, on one line. */
export function lastLines(text: string): string {
  return text.trim().split("\n").slice(-4).join(" | ");
}

async function gather(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function followStatus(stream: Readable | null | undefined, onLine: ((line: string) => void) | undefined): void {
  if (stream === null || stream === undefined || onLine === undefined) return;
  createInterface({ input: stream }).on("line", onLine);
}

function startError(command: string, error: NodeJS.ErrnoException): Error {
  if (error.code === "ENOENT")
    return new GuestImageError(`the program "${command}" is not installed`, { cause: error });
  return error;
}
