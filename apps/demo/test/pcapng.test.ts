import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PcapngFile } from "../src/pcapng.ts";

const run = promisify(execFile);
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vmmkit-pcapng-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** An ARP request, padded. */
const FRAME = Uint8Array.from(
  Buffer.from(
    `ffffffffffff 02266d6d0001 0806 0001080006040001 02266d6d0001 0a560001 000000000000 0a560002 ${"00".repeat(18)}`.replaceAll(
      " ",
      "",
    ),
    "hex",
  ),
);
const TIME_MS = Date.UTC(2026, 0, 2, 3, 4, 5) + 6.789;

async function write(name: string, snapLength: number): Promise<string> {
  const path = join(folder, name);
  const file = new PcapngFile(path, ["guest 1", "guest 2"], snapLength);
  file.add("guest 1", FRAME, FRAME.length, "outbound", TIME_MS);
  file.add("guest 2", FRAME.subarray(0, 41), FRAME.length, "inbound", TIME_MS + 1000);
  await file.close();
  expect(file.frames).toBe(2);
  return path;
}

test("blocks say their length at both ends and fill the file", async () => {
  const bytes = await readFile(await write("blocks.pcapng", 256));
  const types: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    expect(length % 4).toBe(0);
    expect(bytes.readUInt32LE(at + length - 4)).toBe(length);
    types.push(bytes.readUInt32LE(at));
    at += length;
  }
  expect(types).toEqual([0x0a0d0d0a, 1, 1, 6, 6]);
});

test("tshark reads interface, direction, time, lengths and protocol", async () => {
  const path = await write("tshark.pcapng", 256);
  const fields = ["frame.interface_name", "frame.time_epoch", "frame.len", "frame.cap_len", "_ws.col.Protocol"];
  const { stdout } = await run("tshark", ["-r", path, "-T", "fields", ...fields.flatMap((name) => ["-e", name])]);
  const epoch = TIME_MS / 1000;
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  expect(rows.map(([name, , length, kept, protocol]) => [name, length, kept, protocol])).toEqual([
    ["guest 1", "60", "60", "ARP"],
    ["guest 2", "60", "41", "ARP"],
  ]);
  expect(Number(rows[0]?.[1])).toBeCloseTo(epoch, 5);
  expect(Number(rows[1]?.[1])).toBeCloseTo(epoch + 1, 5);
});

test("capinfos finds a whole file; frames are cut to the snap length", async () => {
  const path = await write("snap.pcapng", 20);
  const { stdout } = await run("capinfos", ["-M", path]);
  expect(stdout).toMatch(/File type:\s+.*pcapng/);
  expect(stdout).toMatch(/Number of packets:\s+2\n/);
  expect(stdout).toMatch(/Capture length = 20\n/);
});

test("an interface that the file does not have is an error", () => {
  const file = new PcapngFile(join(folder, "none.pcapng"), ["guest 1"], 64);
  expect(() => file.add("guest 9", FRAME, FRAME.length, "outbound", TIME_MS)).toThrow('"name" expected an interface');
});

test("a file that cannot be written is the caller's to know", async () => {
  const file = new PcapngFile(join(folder, "missing", "x.pcapng"), ["guest 1"], 64);
  await expect(file.close()).rejects.toThrow(/ENOENT/);
});
