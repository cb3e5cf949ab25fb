import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pcapngWriter } from "../../src/index.ts";
import { fileSink } from "../../src/node/index.ts";

// Runs in a mount namespace of its own, in a folder that is a disk of 256 KiB. Fills it, makes room, goes on, and
// prints what the writer counted.

const [folder = ""] = process.argv.slice(2);
const ballast = join(folder, "ballast");
writeFileSync(ballast, new Uint8Array(128 * 1024));

const writer = pcapngWriter({ sink: fileSink(join(folder, "x.pcapng")), snapLength: 1000, chunkBytes: 16_384 });
let number = 0;

async function add(frames: number): Promise<void> {
  for (let i = 0; i < frames; i++) {
    const bytes = new Uint8Array(1000);
    new DataView(bytes.buffer).setUint32(0, number++);
    writer.add({ seconds: number, nanoseconds: 0 }, bytes);
  }
  await writer.flush();
}

await add(50);
for (let i = 0; i < 10; i++) await add(20);
const full = writer.stats();
rmSync(ballast);
await add(20);
const error = await writer.close().then(
  () => null,
  (reason: unknown) => (reason as NodeJS.ErrnoException).code,
);
const { frames, dropped } = writer.stats();
const bytes = statSync(join(folder, "x.pcapng")).size;
process.stdout.write(
  JSON.stringify({ full: full.dropped.failed, frames, dropped, error, bytes, counted: writer.stats().bytes }),
);
