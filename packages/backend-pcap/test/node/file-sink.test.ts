import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { pcapngWriter } from "../../src/index.ts";
import { fileSink, openFileSink } from "../../src/node/index.ts";
import { folder } from "../support/folder.ts";
import { whyNoNamespaces } from "../support/namespaces.ts";
import { readAll } from "../support/read-all.ts";
import { run } from "../support/run.ts";

const STAMP = { seconds: 1, nanoseconds: 0 };
const noNamespaces = whyNoNamespaces("--mount");

describe("a file as a sink", () => {
  test("what was in it is gone", async () => {
    const path = join(folder(), "x");
    writeFileSync(path, new Uint8Array(10_000));
    const sink = fileSink(path);
    await sink.write(Uint8Array.of(1, 2));
    await sink.write(Uint8Array.of(3));
    await sink.close();
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  test("opened at once: what is wrong with it is known, and it writes as the other does", async () => {
    const path = join(folder(), "x");
    await expect(openFileSink(join(path, "y"))).rejects.toThrow("ENOENT");
    writeFileSync(path, new Uint8Array(10));
    const sink = await openFileSink(path);
    expect(readFileSync(path).length).toBe(0);
    await sink.write(Uint8Array.of(7));
    await sink.close();
    expect([...readFileSync(path)]).toEqual([7]);
  });

  test("closed before it was written, it does nothing", async () => {
    const sink = fileSink(join(folder(), "x"));
    await sink.close();
    await sink.close();
  });

  test("a folder that comes later is no loss but of what came before", async () => {
    const at = join(folder(), "missing");
    const writer = pcapngWriter({ sink: fileSink(join(at, "x")) });
    writer.add(STAMP, Uint8Array.of(1));
    await writer.flush();
    mkdirSync(at);
    writer.add(STAMP, Uint8Array.of(2));
    await expect(writer.close()).rejects.toThrow("ENOENT");
    expect(readAll(readFileSync(join(at, "x"))).frames.map(({ bytes }) => bytes[0])).toEqual([2]);
  });

  test("a device where nothing can be taken back fails from then on", async () => {
    const sink = fileSink("/dev/full");
    const attempts = [sink.write(Uint8Array.of(1)), sink.write(Uint8Array.of(2))];
    for (const attempt of attempts) await expect(attempt).rejects.toThrow("ENOSPC");
    await sink.close();
  });

  test("a pipe will do", async () => {
    const path = join(folder(), "pipe");
    await run("mkfifo", path);
    const reader = run("capinfos", "-Mc", path);
    const writer = pcapngWriter({ sink: fileSink(path) });
    writer.add(STAMP, new Uint8Array(60));
    await writer.close();
    await expect(reader).resolves.toMatch(/Number of packets:\s+1\n/);
  });
});

test("a disk that is full: counted, and when there is space again the file goes on, whole", async (context) => {
  if (noNamespaces !== null) context.skip(noNamespaces);
  const at = folder();
  const node = [process.execPath, "--import", "tsx", resolve(import.meta.dirname, "../support/small-disk.ts"), at];
  const script = `mount -t tmpfs -o size=256k none "$0" && "$@" && echo && base64 --wrap=0 "$0/x.pcapng"`;
  const args = ["--map-root-user", "--mount", "sh", "-c", script, at, ...node];
  const [report = "", file = ""] = execFileSync("unshare", args, { encoding: "utf8" }).split("\n");
  const result = JSON.parse(report);
  expect(result.error).toBe("ENOSPC");
  expect(result.full).toBeGreaterThan(100);
  expect(result.frames + result.full).toBe(270);
  expect(result.bytes).toBe(result.counted);
  const { frames, error } = readAll(new Uint8Array(Buffer.from(file, "base64")));
  expect(error).toBeNull();
  expect(frames.length).toBe(result.frames);
  const numbers = frames.map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));
  expect(numbers.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 250 + i));
});
