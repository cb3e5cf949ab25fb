import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DemoReport } from "../src/report.ts";

const run = promisify(execFile);
const app = fileURLToPath(new URL("..", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vmmkit-demo-"));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli.ts", ...args], { cwd: app, stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => {
    stdout += String(data);
  });
  child.stderr?.on("data", (data) => {
    stderr += String(data);
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

test("two Linux guests ping each other and move data; the capture is readable", { timeout: 600_000 }, async () => {
  const capture = join(folder, "demo.pcapng");
  const { code, stdout, stderr } = await start("--json", "--capture", capture).ended;
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as DemoReport;
  expect(report.held).toBe(true);
  expect(report.pings.map(({ sent, received }) => [sent, received])).toEqual([
    [20, 20],
    [20, 20],
  ]);
  expect(report.transfers.map(({ from, to, bytes, intact }) => [from, to, bytes, intact])).toEqual([
    ["guest 1", "guest 2", 16 * 2 ** 20, true],
    ["guest 2", "guest 1", 16 * 2 ** 20, true],
    ["guest 1", "guest 2", 16 * 2 ** 20, true],
    ["guest 2", "guest 1", 16 * 2 ** 20, true],
  ]);
  for (const card of report.cards) {
    // Each sent 32 MiB, in frames of 64 KiB at most.
    expect(card.framesSent).toBeGreaterThan(512);
    expect(card.interruptsPerFrame).toBeLessThan(1);
    expect(card.dropped).toBe(0);
  }
  const { stdout: echoes } = await run("tshark", [
    "-r",
    capture,
    "-Y",
    "icmp.type == 8",
    "-T",
    "fields",
    "-e",
    "ip.src",
  ]);
  const sources = echoes.trim().split("\n");
  expect(sources.filter((ip) => ip === "10.86.0.1")).toHaveLength(20);
  expect(sources.filter((ip) => ip === "10.86.0.2")).toHaveLength(20);
  const { stdout: info } = await run("capinfos", ["-Mc", capture]);
  expect(info).toContain(String(report.captures[0]?.frames));
});

/** Interfaces here of names that the demo gives. Others come and go with other people's work. */
async function demoLinks(): Promise<string[]> {
  const { stdout } = await run("ip", ["-br", "link"]);
  return stdout.split("\n").filter((line) => /^(vmm|br)\d/.test(line));
}

const withoutTap = process.getuid?.() === 0 && existsSync("/dev/net/tun") ? false : "TAP interfaces take root";

test.skipIf(withoutTap)("a guest and the host, over a TAP interface", { timeout: 600_000 }, async () => {
  const before = await demoLinks();
  const capture = join(folder, "tap.pcapng");
  const args = ["--json", "--backend", "tap", "--iperf", "--size", "2", "--capture", capture];
  const { code, stdout, stderr } = await start(...args).ended;
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as DemoReport;
  expect(report).toMatchObject({ backend: "tap", guests: 1, held: true });
  expect(report.pings.map(({ from, to, received }) => [from, to, received])).toEqual([
    ["guest 1", "host", 20],
    ["host", "guest 1", 20],
  ]);
  expect(report.transfers.map(({ from, to, intact, bothWays }) => [from, to, intact, bothWays])).toEqual([
    ["guest 1", "host", true, false],
    ["host", "guest 1", true, false],
    ["guest 1", "host", true, true],
    ["host", "guest 1", true, true],
  ]);
  // Where the host has no iperf3 one direction is left out.
  for (const { bitsPerSecond } of report.iperf) expect(bitsPerSecond).toBeGreaterThan(0);
  expect(report.iperf.map(({ from }) => from)).toContain("host");
  const { stdout: info } = await run("capinfos", ["-Mc", capture]);
  expect(info).toContain(String(report.captures[0]?.frames));
  // Nothing outside of the demo's own namespace changed.
  expect(await demoLinks()).toEqual(before);
});

test("a signal ends everything at once, with its status", { timeout: 120_000 }, async () => {
  const { child, ended } = start("--capture", join(folder, "killed.pcapng"));
  let seen = "";
  await new Promise<void>((resolve) =>
    child.stdout?.on("data", (data) => {
      seen += String(data);
      if (seen.includes("guest 1: kernel")) resolve();
    }),
  );
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toBe("");
  // What was captured so far is a file that can be read.
  await run("capinfos", ["-c", join(folder, "killed.pcapng")]);
});

test("mistakes are one clear line", { timeout: 60_000 }, async () => {
  const guests = await start("--guests", "1").ended;
  expect(guests.code).toBe(1);
  expect(guests.stderr.split("\n")[0]).toBe(
    "error: option '--guests <n>' argument '1' is invalid. expected a whole number from 2 to 16.",
  );
  const backend = await start("--backend", "carrier-pigeon");
  expect((await backend.ended).stderr).toContain(
    "argument 'carrier-pigeon' is invalid. expected one of hub, tap[:NAME]",
  );
  const kernel = await start("--kernel", "/nowhere/vmlinuz", "--initrd", "/nowhere/initrd").ended;
  expect(kernel.code).toBe(1);
  expect(kernel.stderr).toBe('demo: "kernel" expected a file that can be read, got /nowhere/vmlinuz\n');
});
