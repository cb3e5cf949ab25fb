import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { pcapngWriter } from "../../src/index.ts";
import { rotatingFiles } from "../../src/node/index.ts";
import { folder } from "../support/folder.ts";

async function write(path: string, keep?: number): Promise<void> {
  const sink = keep === undefined ? rotatingFiles(path) : rotatingFiles(path, { keep });
  const writer = pcapngWriter({ sink, rotateFrames: 1 });
  for (let i = 0; i < 12; i++) writer.add({ seconds: i, nanoseconds: 0 }, new Uint8Array(60));
  await writer.close();
}

test("numbers the files before their extension", async () => {
  const at = folder();
  await write(join(at, "net.a.pcapng"));
  expect(readdirSync(at).sort()).toEqual(
    Array.from({ length: 12 }, (_, i) => `net.a-${String(i).padStart(5, "0")}.pcapng`),
  );
});

test("keeps as many as it was told to", async () => {
  const at = folder();
  await write(join(at, "net"), 2);
  await vi.waitFor(() => expect(readdirSync(at).sort()).toEqual(["net-00010", "net-00011"]));
});

test("refuses to keep none", () => {
  expect(() => rotatingFiles("x", { keep: 0 })).toThrow('"keep" expected at least 1, got 0');
});
