import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../../src/doctor/programs.ts";
import { because, NicProcess } from "../support/nic-process.ts";

const promtool = findProgram("promtool") !== null;

describe("nic serve --metrics", () => {
  const nic = new NicProcess();
  let url = "";

  beforeAll(async () => {
    const cards = ["--vfio-user", "a.sock", "--name", 'the "first"', "--vhost-user", "b.sock", "--fault", "bytes=1M"];
    await nic.start(["serve", "--metrics", "127.0.0.1:0", "--spin", "50", ...cards], /metrics at (\S+)/);
    url = /metrics at (\S+)/.exec(nic.said)?.[1] ?? "";
  });

  afterAll(() => nic.close());

  it("counts of each card, by direction and cause", async () => {
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const lines = (await response.text()).split("\n");
    const first = 'card="the \\"first\\""';
    for (const line of [
      `vmmkit_nic_frames_total{${first},direction="transmit"} 0`,
      `vmmkit_nic_dropped_frames_total{${first},direction="receive",cause="noBuffers"} 0`,
      'vmmkit_nic_fault_dropped_frames_total{card="nic1",direction="transmit",cause="overflow"} 0',
      'vmmkit_nic_connected{card="nic1"} 0',
      'vmmkit_nic_link_up{card="nic1"} 1',
    ]) {
      expect(lines).toContain(line);
    }
    // Both are on the hub, and so in one process.
    for (const mode of ["user", "system"]) {
      const name = `vmmkit_nic_data_path_cpu_seconds_total{cards="the \\"first\\",nic1",mode="${mode}"} `;
      expect(Number(lines.find((line) => line.startsWith(name))?.slice(name.length))).toBeGreaterThan(0);
    }
    expect(lines.find((line) => line.startsWith("process_resident_memory_bytes "))).toMatch(/ \d{7,}$/);
  });

  it("every line is a comment or a sample, and each metric stands together behind its help and type", async () => {
    const lines = (await (await fetch(url)).text()).trimEnd().split("\n");
    const order: string[] = [];
    for (const line of lines) {
      const [, name = ""] =
        /^# HELP ([a-z_]+) .+\.$/.exec(line) ??
        /^# TYPE ([a-z_]+) (?:counter|gauge)$/.exec(line) ??
        /^([a-z_]+)(?:\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\})? \d+(?:\.\d+)?$/.exec(line) ??
        [];
      expect(name, line).not.toBe("");
      if (order.at(-1) !== name) order.push(name);
    }
    expect(new Set(order).size).toBe(order.length);
    expect(new Set(lines).size).toBe(lines.length);
  });

  it.skipIf(!promtool)(`Prometheus' own checker finds nothing to say${because("promtool", promtool)}`, async () => {
    const input = await (await fetch(url)).text();
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input, encoding: "utf8" });
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  });

  it("nothing else is there, and nothing can be sent", async () => {
    expect((await fetch(new URL("/", url))).status).toBe(404);
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(405);
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200);
  });

  it("a port that is taken is said, and no socket is left", async () => {
    const other = new NicProcess();
    const { port } = new URL(url);
    await expect(other.start(["serve", "--metrics", port, "--vfio-user", "c.sock"], "metrics")).rejects.toThrow(
      "EADDRINUSE",
    );
    await other.close();
  });
});
