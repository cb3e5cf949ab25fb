import { spawn } from "node:child_process";
import { runTool } from "./run-tool.ts";

/**
 * Unpacks some of a Debian package's files. Uses `dpkg-deb` and `tar`, which every machine with apt has.
 * @param file path of the `.deb`
 * @param folder an existing folder; paths in it are the package's own
 * @param patterns paths without a leading slash; `*` does not match a slash. One that matches nothing is no error
 * @throws GuestImageError where a tool is missing or was ended
 */
export async function unpackDeb(
  file: string,
  folder: string,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const source = spawn("dpkg-deb", ["--fsys-tarfile", file], { stdio: ["ignore", "pipe", "ignore"], signal });
  const failed = new Promise<never>((_, reject) => source.once("error", reject));
  const members = patterns.map((pattern) => `./${pattern}`);
  const args = ["-x", "-f", "-", "-C", folder, "--no-same-owner", "--wildcards", "--no-wildcards-match-slash"];
  // tar's status says no more than that a pattern matched nothing; whoever needs a file finds out that it is not there.
  await Promise.race([failed, runTool("tar", [...args, "--", ...members], { stdin: source.stdout, signal })]);
}
