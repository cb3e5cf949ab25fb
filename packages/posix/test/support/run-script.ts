import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a Node process of its own ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const index = new URL("../../src/index.ts", import.meta.url).href;

/**
 * Runs a script in a Node process of its own: what a process does at its end is seen from outside.
 * @param script JavaScript with top-level await; `posix` is this package
 * @param flags Node's own
 */
export function runScript(script: string, flags: readonly string[] = []): Promise<Ended> {
  const source = `const posix = await import(${JSON.stringify(index)});\n${script}`;
  const args = [...flags, "--import", "tsx", "--input-type=module", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, timeout: 50_000 }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : -1;
      resolve({ code, stdout, stderr });
    });
  });
}
