import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

/** What TAP interfaces in namespaces and these programs lack here, in one line; null where all is there. */
export async function missingForTap(
  programs: readonly (readonly [file: string, why: string])[],
): Promise<string | null> {
  if (process.getuid?.() !== 0 || !existsSync("/dev/net/tun")) return "TAP interfaces take root and /dev/net/tun";
  for (const [file, why] of programs) {
    const there = await promisify(execFile)("sh", ["-c", `command -v ${file}`]).catch(() => null);
    if (there === null) return `${file} is not installed: ${why}`;
  }
  return null;
}
