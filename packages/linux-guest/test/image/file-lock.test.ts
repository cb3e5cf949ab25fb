import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withLock } from "../../src/image/file-lock.ts";

let parent: string;
let lock: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "vmmkit-test-"));
  lock = join(parent, "deep", "lock");
});
afterEach(() => rm(parent, { recursive: true }));

test("tasks under one lock run one after the other", async () => {
  let running = 0;
  const task = async (): Promise<void> => {
    expect(++running).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
  };
  await Promise.all([withLock(lock, undefined, task), withLock(lock, undefined, task)]);
  expect(await readdir(join(parent, "deep"))).toEqual([]);
});

test("the lock goes when the task fails", async () => {
  const failing = withLock(lock, undefined, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(await withLock(lock, undefined, async () => "next")).toBe("next");
});

test("a lock whose holder died is taken over", async () => {
  await mkdir(lock, { recursive: true });
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  expect(await withLock(lock, undefined, async () => "taken")).toBe("taken");
});

test("waiting can be stopped", async () => {
  await mkdir(lock, { recursive: true });
  const waiting = withLock(lock, AbortSignal.abort(), async () => {});
  await expect(waiting).rejects.toThrow(/abort/);
});
