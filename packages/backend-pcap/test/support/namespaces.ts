import { execFileSync } from "node:child_process";

/** Why programs cannot be put into namespaces of their own here; null where they can. */
export function whyNoNamespaces(...flags: readonly string[]): string | null {
  try {
    execFileSync("unshare", ["--map-root-user", ...flags, "true"], { stdio: "pipe" });
    return null;
  } catch (error) {
    return `no namespaces: ${(error as Error).message.trim()}`;
  }
}
