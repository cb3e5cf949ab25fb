import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A holder that lives renews its lock so often. */
const RENEW_MS = 2_000;
/** A lock that was not renewed for so long belongs to a process that died. */
const STALE_MS = 20_000;
const RETRY_MS = 200;

/**
 * Runs `task` while no other process runs one under the same lock. The lock is a folder, which every file system
 * makes atomically, and its age tells whether its holder lives, also from another container.
 * @param path of the folder that is the lock; the folders above it are made where they are missing
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryToTake(path))) await sleep(RETRY_MS, undefined, { signal });
  const renewal = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), RENEW_MS);
  renewal.unref();
  try {
    return await task();
  } finally {
    clearInterval(renewal);
    await rm(path, { recursive: true, force: true });
  }
}

async function tryToTake(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const info = await stat(path).catch(() => null);
  if (info !== null && Date.now() - info.mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true });
  return false;
}
