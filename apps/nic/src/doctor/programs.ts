import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Longest that a program may take to say its version. */
const TIMEOUT_MS = 10_000;

/** Where a program is: one of `PATH`, or a path of its own; null where it is not. */
export function findProgram(name: string): string | null {
  const folders = name.includes("/") ? [""] : (process.env["PATH"] ?? "").split(delimiter).filter((one) => one !== "");
  const paths = folders.map((folder) => (folder === "" ? name : join(folder, name)));
  return paths.find((path) => may(path, constants.X_OK)) ?? null;
}

/** What a program writes to its standard output; null where it fails. */
export function outputOf(program: string, ...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : null;
}

/** Whether this process may use a file so. @param mode of `fs.constants` */
export function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
