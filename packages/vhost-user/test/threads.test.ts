import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { GUEST_NET_FEATURES, GuestNetDriver, GuestRam } from "@vmmkit/guest-driver";
import { Poller } from "@vmmkit/posix";
import { GuestMemory } from "@vmmkit/vm";
import { expect, it, onTestFinished } from "vitest";
import { FrontEnd } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region } from "./support/rig.ts";
import { VhostTransport } from "./support/vhost-transport.ts";

/** Frames that go through in all. */
const FRAMES = 2000;
const BATCH = 20;

it("a card, its backend and its rings live in a thread of their own; the driver is in another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
  const path = join(folder, "net.sock");
  const module = new URL("./support/served-worker.ts", import.meta.url).href;
  const tsx = import.meta.resolve("tsx/esm/api");
  const code = `import("${tsx}").then(({ register }) => { register(); return import("${module}"); });`;
  const worker = new Worker(code, { eval: true, workerData: { path } });
  const poller = new Poller();
  onTestFinished(async () => {
    poller.close();
    await worker.terminate();
    rmSync(folder, { recursive: true, force: true });
  });
  await once(worker, "message");

  const frontEnd = new FrontEnd(path, poller, "elsewhere");
  frontEnd.tell(3);
  frontEnd.agree();
  const { fd, buffer } = guestMemory();
  frontEnd.tell(5, memoryTable(region()), [fd]);
  const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
  const driver = new GuestNetDriver(new VhostTransport(frontEnd), ram, { features: GUEST_NET_FEATURES });
  driver.start();
  let received = 0;
  for (let sent = 0; sent < FRAMES; sent += BATCH) {
    const frames = Array.from({ length: BATCH }, (_, i) => new Uint8Array(60 + i).fill((sent + i) % 251));
    expect(driver.sendBatch(frames)).toBe(BATCH);
    const back: Uint8Array[] = [];
    // The other thread needs none of this one's turns; it is this one that has nothing better to do.
    for (let tries = 0; back.length < BATCH && tries < 10_000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      driver.onInterrupt();
      back.push(...driver.receiveAll());
    }
    expect(back).toEqual(frames);
    received += back.length;
  }
  driver.reset();
  frontEnd.close();
  worker.postMessage("end");
  const [counted] = await once(worker, "message");
  expect([received, counted]).toEqual([FRAMES, FRAMES]);
});
