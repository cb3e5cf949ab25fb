import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "vmmkit-socket-"));
let count = 0;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A path for a UNIX socket that nothing is at. */
export function freePath(): string {
  return join(folder, `${count++}.sock`);
}
