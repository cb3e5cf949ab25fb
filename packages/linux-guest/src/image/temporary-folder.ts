import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives `task` a folder of its own and removes it afterwards, also where the process exits in the midst of it. */
export async function withTemporaryFolder<T>(task: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "vmmkit-"));
  const onExit = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", onExit);
  try {
    return await task(folder);
  } finally {
    process.off("exit", onExit);
    await rm(folder, { recursive: true, force: true });
  }
}
