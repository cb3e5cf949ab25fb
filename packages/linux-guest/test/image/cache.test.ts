import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defaultCacheFolder, publish, readManifest } from "../../src/image/cache.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "vmmkit-test-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true });
});

const files = new Map([["kernel", Buffer.from("abc")]]);

test("what is published is found again by its recipe, and by no other", async () => {
  const folder = join(parent, "image");
  await publish(folder, "r1", files, { busybox: "1.35" });
  expect(await readManifest(folder, "r1")).toEqual({ recipe: "r1", files: { kernel: 3 }, facts: { busybox: "1.35" } });
  expect(await readFile(join(folder, "kernel"), "utf8")).toBe("abc");
  expect(await readManifest(folder, "r2")).toBeNull();
});

test("publishing replaces all that was there and leaves nothing beside it", async () => {
  const folder = join(parent, "image");
  await publish(folder, "r1", files, {});
  await publish(folder, "r2", new Map([["other", Buffer.from("x")]]), {});
  expect((await readdir(folder)).sort()).toEqual(["manifest.json", "other"]);
  expect(await readdir(parent)).toEqual(["image"]);
});

test("a folder that lost a file, or part of one, is as good as none", async () => {
  const folder = join(parent, "image");
  await publish(folder, "r1", files, {});
  await writeFile(join(folder, "kernel"), "ab");
  expect(await readManifest(folder, "r1")).toBeNull();
  await rm(join(folder, "kernel"));
  expect(await readManifest(folder, "r1")).toBeNull();
});

test("no folder and an unreadable manifest are as good as none", async () => {
  expect(await readManifest(join(parent, "nothing"), "r1")).toBeNull();
  await writeFile(join(parent, "manifest.json"), "{");
  expect(await readManifest(parent, "r1")).toBeNull();
});

test("the cache is where the XDG base directory specification says", () => {
  vi.stubEnv("XDG_CACHE_HOME", "/somewhere/cache");
  expect(defaultCacheFolder()).toBe("/somewhere/cache/vmmkit");
  vi.stubEnv("XDG_CACHE_HOME", "relative");
  vi.stubEnv("HOME", "/home/somebody");
  expect(defaultCacheFolder()).toBe("/home/somebody/.cache/vmmkit");
});
