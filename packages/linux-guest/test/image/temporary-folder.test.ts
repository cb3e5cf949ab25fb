import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTemporaryFolder } from "../../src/image/temporary-folder.ts";

test("the folder is there for the task and gone after it", async () => {
  const before = process.listenerCount("exit");
  const folder = await withTemporaryFolder(async (folder) => {
    await writeFile(join(folder, "file"), "x");
    return folder;
  });
  expect(existsSync(folder)).toBe(false);
  expect(process.listenerCount("exit")).toBe(before);
});

test("the folder is gone where the task failed", async () => {
  let seen = "";
  const failing = withTemporaryFolder((folder) => {
    seen = folder;
    return Promise.reject(new Error("no"));
  });
  await expect(failing).rejects.toThrow("no");
  expect(seen).not.toBe("");
  expect(existsSync(seen)).toBe(false);
});
