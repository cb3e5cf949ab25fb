import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SocketType, type SupervisedOptions, SupervisedProcess, socketPair } from "../src/index.ts";

const WAIT = { timeout: 30_000, interval: 10 };

async function start(options: Partial<SupervisedOptions> = {}) {
  const log: string[] = [];
  const supervised = await SupervisedProcess.start({
    entry: new URL("./support/supervised-body.ts", import.meta.url),
    execArgv: ["--import", import.meta.resolve("tsx")],
    start: () => ({}),
    log: (line) => log.push(line),
    ...options,
  });
  onTestFinished(() => supervised.close());
  return { supervised, log };
}

describe("a supervised process", () => {
  it("starts from what it is given, has descriptors, answers, and closes what it has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [one, other] = socketPair(SocketType.Stream);
    onTestFinished(() => [one, other].forEach((socket) => void socket.close()));
    const end = join(folder, "end");
    const { supervised, log } = await start({ start: () => ({ end }), fds: [other.fd] });
    expect(await supervised.ask([1, "two"])).toEqual({ data: { end }, request: [1, "two"] });
    one.fd.write(new TextEncoder().encode("by 4"));
    expect(await supervised.ask("read")).toBe("by 4");
    await expect(supervised.ask("throw")).rejects.toThrow("not that");
    expect(log).toEqual(["begun"]);
    expect(existsSync(end)).toBe(false);
    await supervised.close();
    expect([readFileSync(end, "utf8"), supervised.pid]).toEqual(["closed", -1]);
    await expect(supervised.ask("more")).rejects.toThrow("the process does not run now");
  });

  it("another one takes its place, from what is so then; who asked meanwhile is told", async () => {
    let starts = 0;
    const { supervised, log } = await start({ name: "it", restartMs: 5, start: () => ({ number: ++starts }) });
    const { pid } = supervised;
    await expect(supervised.ask("die")).rejects.toThrow("it ended with SIGKILL");
    await expect.poll(() => supervised.pid, WAIT).not.toBe(-1);
    await expect.poll(() => log.length, WAIT).toBe(3);
    expect(await supervised.ask("x")).toEqual({ data: { number: 2 }, request: "x" });
    expect([supervised.restarts, supervised.pid === pid]).toEqual([1, false]);
    expect(log).toEqual(["begun", "it ended with SIGKILL; another one in 5 ms", "begun"]);
  });

  it("one that does not end is killed", async () => {
    const { supervised } = await start({ closeMs: 50, start: () => ({ stay: true }) });
    const { pid } = supervised;
    await supervised.close();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  it("what the first one cannot do is the caller's to know", async () => {
    await expect(start({ start: () => ({ fail: true }) })).rejects.toThrow("no such thing");
    await expect(start({ entry: new URL("file:///no/such/module.js") })).rejects.toThrow("the process ended with 1");
  });
});
