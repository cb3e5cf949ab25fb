import { existsSync, ftruncateSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GUEST_NET_FEATURES, GuestNetDriver, type GuestNetOptions, GuestRam } from "@vmmkit/guest-driver";
import { Poller } from "@vmmkit/posix";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ServedProcess, type ServeInProcessOptions, serveInProcess } from "../../src/index.ts";
import { FrontEnd, longs, words } from "../support/front-end.ts";
import { LAST_BREATH } from "../support/killed-card.ts";
import { DEADLY } from "../support/process-card.ts";
import { guestMemory, MEMORY, memoryTable, region } from "../support/rig.ts";
import { numbered } from "../support/slow-carrier.ts";
import { VhostTransport } from "../support/vhost-transport.ts";

const OPTIONS = {
  module: new URL("../support/process-card.ts", import.meta.url),
  data: { queuePairs: 1 },
  execArgv: ["--import", import.meta.resolve("tsx")],
};

interface Bench {
  readonly served: ServedProcess;
  readonly path: string;
  readonly log: string[];
}

async function serve(options: Partial<ServeInProcessOptions> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
  const path = join(folder, "net.sock");
  const log: string[] = [];
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const served = await serveInProcess({ ...OPTIONS, listen: path, log: (line) => log.push(line), ...options });
  onTestFinished(() => served.close());
  return { served, path, log };
}

/** A front-end with memory for a guest. */
function connect(path: string, options: GuestNetOptions = {}, first = (_one: FrontEnd): void => {}) {
  const poller = new Poller();
  const frontEnd = new FrontEnd(path, poller, "elsewhere");
  onTestFinished(() => {
    frontEnd.socket.close();
    poller.close();
  });
  frontEnd.tell(3);
  frontEnd.agree();
  first(frontEnd);
  const { fd, buffer } = guestMemory();
  frontEnd.tell(5, memoryTable(region()), [fd]);
  const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
  const transport = new VhostTransport(frontEnd);
  const driver = new GuestNetDriver(transport, ram, { features: GUEST_NET_FEATURES, ...options });
  return { driver, transport, frontEnd, fd, poller };
}

/** Sends frames and waits until they are back. */
async function echo(driver: GuestNetDriver, count: number): Promise<void> {
  const frames = Array.from({ length: count }, (_, i) => new Uint8Array(60 + i).fill(i));
  expect(driver.sendBatch(frames)).toBe(count);
  const back: Uint8Array[] = [];
  await expect
    .poll(() => {
      driver.onInterrupt();
      back.push(...driver.receiveAll());
      return back.length;
    }, WAIT)
    .toBe(count);
  expect(back).toEqual(frames);
}

const WAIT = { timeout: 30_000, interval: 5 };

describe("a back-end in a process of its own", () => {
  it("carries frames, reports, and leaves nothing when it is closed", async () => {
    const { served, path, log } = await serve();
    expect(served.pid).not.toBe(process.pid);
    const { driver } = connect(path);
    driver.start();
    await echo(driver, 20);
    expect(await served.report()).toBe(20);
    await served.close();
    expect([existsSync(path), served.pid, served.restarts, log]).toEqual([false, -1, 0, []]);
  });

  it.each([
    ["by a fault of its own", (driver: GuestNetDriver) => driver.send(new Uint8Array(60).fill(DEADLY))],
    ["by SIGKILL", (_driver: GuestNetDriver, served: ServedProcess) => process.kill(served.pid, "SIGKILL")],
  ])("dies %s: another one serves the front-end when it comes back", async (_name, die) => {
    const { served, path, log } = await serve();
    const first = connect(path);
    first.driver.start();
    await echo(first.driver, 3);
    const { pid } = served;
    die(first.driver, served);
    await expect.poll(() => served.pid !== pid && served.pid !== -1 && existsSync(path), WAIT).toBe(true);
    await expect.poll(() => served.report(), WAIT).toBe(0);
    const second = connect(path);
    second.driver.start();
    await echo(second.driver, 3);
    expect(served.restarts).toBe(1);
    expect(log.some((line) => line.includes("another one in 50 ms"))).toBe(true);
  });

  it("ends itself in the middle of packed rings: the next one carries what is on record, once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "carried"), "");
    const carried = (): number[] => readFileSync(join(folder, "carried"), "utf8").split("\n").slice(0, -1).map(Number);
    const module = new URL("../support/killed-card.ts", import.meta.url);
    const { served, path } = await serve({ module, data: { folder } });
    const { driver, transport, frontEnd, fd, poller } = connect(path, { ring: "packed" }, (one) => {
      one.tell(2, words(2 ** 30, 5));
    });
    const record = frontEnd.askForFd(31, Uint8Array.from([...longs(0, 0), ...words(2 + 64 * 0x1_0000, 0)]));
    const described = new Uint8Array(record.answer.buffer, record.answer.byteOffset, record.answer.byteLength);
    frontEnd.tell(32, described, record.fds);
    driver.start();
    const { pid } = served;
    driver.sendBatch(Array.from({ length: LAST_BREATH }, (_, i) => numbered(i)));
    // Out of order.
    await expect.poll(carried, WAIT).toEqual([2, 0, 5, 3]);
    driver.send(numbered(LAST_BREATH));
    await expect.poll(() => served.pid !== pid && served.pid !== -1 && existsSync(path), WAIT).toBe(true); // What is at the path may be the first one's still.
    await expect.poll(() => served.report(), WAIT).toBe("ready");

    frontEnd.socket.close();
    const next = new FrontEnd(path, poller, "elsewhere");
    onTestFinished(() => next.socket.close());
    next.agree();
    next.tell(5, memoryTable(region()), [fd]);
    next.tell(32, described, record.fds);
    transport.moveTo(next, () => 0x8000_8000);
    driver.send(numbered(LAST_BREATH + 1));
    await expect.poll(() => carried().length, WAIT).toBe(LAST_BREATH + 2);
    expect(carried().slice(4)).toEqual([1, 4, 6, 7, 8]);
    driver.verifyGuards();
  });

  it("a front-end that takes memory away under it ends that process alone (SIGBUS)", async () => {
    const { served, path, log } = await serve();
    const { driver, transport, fd } = connect(path);
    driver.start();
    await echo(driver, 3);
    const { pid } = served;
    // From here on nothing in this process may touch that memory either.
    ftruncateSync(fd.number, 0);
    for (const { kick } of transport.queues) kick.signal();
    await expect.poll(() => served.pid !== pid && served.pid !== -1 && existsSync(path), WAIT).toBe(true);
    expect(log.some((line) => line.includes("SIGBUS"))).toBe(true);
    await expect.poll(() => served.report(), WAIT).toBe(0);
    const next = connect(path);
    next.driver.start();
    await echo(next.driver, 3);
  });

  it("what the first process cannot do is the caller's to know", async () => {
    await expect(serve({ listen: "/no/such/folder/net.sock" })).rejects.toThrow("ENOENT");
    await expect(serve({ module: new URL("file:///no/such/module.js") })).rejects.toThrow("Cannot find module");
    await expect(serve({ connect: "/tmp/x" })).rejects.toThrow("exactly one of listen and connect");
  });
});
