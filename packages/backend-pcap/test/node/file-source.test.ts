import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCapture } from "../../src/index.ts";
import { fileSource } from "../../src/node/index.ts";
import { pattern } from "../support/bytes.ts";
import { folder } from "../support/folder.ts";
import { pcapFile } from "../support/hand-made.ts";

test("a file is read as often as it is asked for, piece by piece", async () => {
  const path = join(folder(), "x.pcap");
  const records = Array.from({ length: 1000 }, (_, seconds) => ({ seconds, fraction: 0, data: pattern(1000) }));
  writeFileSync(path, pcapFile(records));
  const source = fileSource(path);
  for (let time = 0; time < 2; time++) {
    let count = 0;
    for await (const frame of readCapture(source())) expect(frame.seconds).toBe(count++);
    expect(count).toBe(1000);
  }
});

test("a file that there is not", async () => {
  const read = async (): Promise<void> => {
    for await (const _ of readCapture(fileSource("/nowhere")()));
  };
  await expect(read()).rejects.toThrow("ENOENT");
});
