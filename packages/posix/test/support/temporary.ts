import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path in a folder that goes with the test. */
export function temporaryPath(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-posix-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}
