import { once } from "node:events";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { expectSameFrame, testFrame, until } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { channelBackend, FrameChannel, frameChannelMemory, Hub } from "../src/index.ts";
import { MIN_RING_BYTES } from "../src/ring-layout.ts";
import { Station } from "./support/cards.ts";
import type { EchoWorkerData } from "./support/echo-worker.ts";

const FRAMES = 3000;
const DEADLINE_MS = 20_000;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x77);

/** A worker thread whose code is TypeScript: tsx is registered on it first. */
function typeScriptWorker(url: URL, data: EchoWorkerData, transferList: MessagePort[]): Worker {
  const tsx = import.meta.resolve("tsx/esm/api");
  const code = `import("${tsx}").then(({ register }) => { register(); return import("${url.href}"); });`;
  return new Worker(code, { eval: true, workerData: data, transferList });
}

/** A thread with a card that answers each frame, and the channel's other end. */
function echoThread(mac: Uint8Array): { worker: Worker; end: FrameChannel } {
  const memory = frameChannelMemory(MIN_RING_BYTES);
  const { port1, port2 } = new MessageChannel();
  const end = new FrameChannel({ memory, side: 0, doorbell: port1 });
  const data: EchoWorkerData = { memory, doorbell: port2, mac };
  return { worker: typeScriptWorker(new URL("./support/echo-worker.ts", import.meta.url), data, [port2]), end };
}

/**
 * Sends frames to the other thread and compares each answer.
 * @param window frames under way at most
 */
async function exchange(station: Station, mac: Uint8Array, window: number): Promise<void> {
  const sent: Uint8Array[] = [];
  let back = 0;
  const receive = (): boolean => {
    for (const frame of station.card.received.splice(0)) {
      const expected = sent[back++]?.slice() ?? new Uint8Array(0);
      expected.set(station.link.mac, 0);
      expected.set(mac, 6);
      expectSameFrame(frame, expected);
      station.card.post(1, [1600]);
    }
    return sent.length - back < window;
  };
  const what = (): string => `${back} of ${sent.length} frames came back`;
  for (let number = 0; number < FRAMES; number++) {
    const size = 60 + ((number * 37) % 1400);
    sent.push(testFrame({ to: mac, from: station.link.mac, size, number }));
    station.card.transmit(sent.at(-1) ?? new Uint8Array(0));
    if (number % 16 === 0) station.card.flush();
    if (number % 64 === 0) await until(receive, DEADLINE_MS, what);
  }
  station.card.flush();
  await until(() => receive() && back === FRAMES, DEADLINE_MS, what);
  station.card.verify();
}

describe("frames between two threads", { timeout: 60_000 }, () => {
  test("all arrive, in order, with more under way than the channel holds", async () => {
    const { worker, end } = echoThread(MAC);
    const backend = channelBackend(end, { queueFrames: 1024 });
    try {
      const ready = once(worker, "message");
      const station = new Station(backend, 512, 32 << 20);
      // From before the other thread has started, so that the channel is sure to fill.
      await exchange(station, MAC, 600);
      expect(await ready).toEqual(["ready"]);
      expect(backend.stats().enqueued).toBeGreaterThan(0);
      worker.postMessage("how was it?");
      expect(await once(worker, "message")).toEqual(["no breach"]);
      await worker.terminate();
      const told = (): boolean => station.card.linkChanges.includes(false);
      await until(told, DEADLINE_MS, () => "the carrier did not go when the thread ended");
    } finally {
      await worker.terminate();
      await backend.close();
    }
  });

  test("all arrive through a hub, whose port goes when the thread ends", async () => {
    const hub = new Hub();
    const { worker, end } = echoThread(MAC);
    const port = hub.join(end);
    try {
      expect(await once(worker, "message")).toEqual(["ready"]);
      await exchange(new Station(hub.port(), 512, 32 << 20), MAC, 150);
      worker.postMessage("how was it?");
      expect(await once(worker, "message")).toEqual(["no breach"]);
      expect(port.stats()).toMatchObject({ framesIn: FRAMES, framesOut: FRAMES });
    } finally {
      await worker.terminate();
    }
    const gone = (): boolean => hub.stats().ports.length === 1;
    await until(gone, DEADLINE_MS, () => "the port did not leave the hub when its thread ended");
  });
});
