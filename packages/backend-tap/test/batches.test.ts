import { TxResult } from "@vmmkit/ethif";
import { TestCard } from "@vmmkit/ethif-compliance";
import { Errno, IoRing, type Socket } from "@vmmkit/posix";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { TapBackend, TapOptions } from "../src/index.ts";
import { eventually, inOwnNetwork, someFrame, testPeer, testTap } from "./support/backends.ts";
import { frameOf, type OnSocket, onSocket } from "./support/on-socket.ts";

inOwnNetwork();

function testRing(): IoRing {
  const ring = IoRing.open(8);
  if (ring === null) throw new Error("no io_uring");
  onTestFinished(() => ring.close());
  return ring;
}

/** The way out with many frames in a call. */
function batched(queueFrames = 16, headerBytes = 12): OnSocket & { readonly ring: IoRing } {
  const ring = testRing();
  return { ...onSocket(queueFrames, headerBytes, ring), ring };
}

/** Frames that came, and the flags of their headers. */
function arrived(there: Socket, headerBytes = 12): { bytes: Uint8Array; flags: number }[] {
  const room = new Uint8Array(new ArrayBuffer(4000));
  const frames: { bytes: Uint8Array; flags: number }[] = [];
  for (let length = there.fd.read(room); length > 0; length = there.fd.read(room)) {
    frames.push({ bytes: room.slice(headerBytes, length), flags: room[0] ?? 0 });
  }
  return frames;
}

describe("frames out", () => {
  it("are gathered, and go with one system call when the card says that those were all", () => {
    const { transmit, there, driver, completed, counters, ring } = batched();
    const run = vi.spyOn(ring, "run");
    const frames = [0, 1, 2, 3, 4].map((cookie) =>
      Object.assign(frameOf(someFrame(60 + 100 * cookie), cookie, 50), { flags: cookie & 1 }),
    );
    for (const frame of frames) expect(transmit.send(driver, frame)).toBe(TxResult.Enqueued);
    expect([arrived(there), completed, transmit.waiting]).toEqual([[], [], 5]);
    transmit.flush(driver);
    expect(run).toHaveBeenCalledTimes(1);
    expect(completed).toEqual([0, 1, 2, 3, 4]);
    expect(arrived(there)).toEqual(frames.map((frame) => ({ bytes: frame.bytes[0], flags: frame.flags })));
    expect([counters.framesOut, counters.bytesOut, counters.enqueued]).toEqual([5, 5 * 60 + 100 * 10, 0]);
  });

  it("one alone takes the plain call", () => {
    const { transmit, there, driver, completed, ring } = batched(4, 0);
    const run = vi.spyOn(ring, "run");
    transmit.send(driver, frameOf(someFrame(), 3));
    transmit.flush(driver);
    expect([completed, arrived(there, 0).length]).toEqual([[3], 1]);
    expect(run).not.toHaveBeenCalled();
  });

  it("more than fit into the queue or into one call go in several, and none overtakes", () => {
    const { transmit, there, driver, completed } = batched(20, 0);
    const frames = Array.from({ length: 47 }, (_, i) => frameOf(someFrame(60 + i), i));
    for (const frame of frames) expect(transmit.send(driver, frame)).toBe(TxResult.Enqueued);
    expect(completed).toHaveLength(40);
    transmit.flush(driver);
    expect(completed).toEqual(frames.map((_, i) => i));
    expect(arrived(there, 0).map(({ bytes }) => bytes)).toEqual(frames.map((frame) => frame.bytes[0]));
  });

  it("one that is refused is dropped and counted, and those behind it go all the same", () => {
    const { transmit, there, driver, completed, counters } = batched();
    const gone = frameOf(someFrame(), 1, 20);
    const frames = [frameOf(someFrame(), 0), gone, frameOf(someFrame(), 2), frameOf(someFrame(), 3)];
    for (const frame of frames) transmit.send(driver, frame);
    const bytes = gone.bytes[0];
    if (bytes !== undefined) structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    transmit.flush(driver);
    expect(completed).toEqual([0, 1, 2, 3]);
    expect([counters.refused, counters.framesOut, arrived(there).length]).toEqual([1, 3, 3]);
  });

  it("one that the kernel refuses stops those behind it but for the next call", () => {
    const { transmit, there, driver, completed, counters, ring } = batched();
    for (let cookie = 0; cookie < 4; cookie++) transmit.send(driver, frameOf(someFrame(), cookie));
    vi.spyOn(ring, "run").mockImplementationOnce((results) => {
      ring.cancel();
      results.set([-Errno.EINVAL, -Errno.ECANCELED, -Errno.ECANCELED, -Errno.ECANCELED]);
    });
    transmit.flush(driver);
    expect(completed).toEqual([0, 1, 2, 3]);
    expect([counters.refused, counters.framesOut, arrived(there).length]).toEqual([1, 3, 3]);
  });

  it("in more pieces than a call takes are put together between the others", () => {
    const { transmit, there, driver, completed } = batched(8, 0);
    const frames = [frameOf(someFrame(), 0), frameOf(someFrame(3000), 1, 1), frameOf(someFrame(), 2)];
    for (const frame of frames) transmit.send(driver, frame);
    transmit.flush(driver);
    expect(completed).toEqual([0, 1, 2]);
    expect(arrived(there, 0).map(({ bytes }) => bytes)).toEqual(frames.map((frame) => frame.bytes[0]));
  });

  it("a reset of the card empties those that were gathered, and they go back unsent", () => {
    const { transmit, there, driver, completed, counters } = batched(8, 0);
    const frames = [0, 1, 2, 3].map((cookie) => frameOf(someFrame(), cookie));
    for (const frame of frames) transmit.send(driver, frame);
    frames[0]?.clear();
    frames[2]?.clear();
    transmit.flush(driver);
    expect(completed).toEqual([0, 1, 2, 3]);
    expect([counters.closed, counters.framesOut, arrived(there, 0).length]).toEqual([2, 2, 2]);
  });

  it("EAGAIN in the middle: what was not taken waits in its order, and later frames wait behind it", () => {
    const { transmit, there, driver, completed, counters, ring } = batched(8, 0);
    const frames = Array.from({ length: 6 }, (_, i) => frameOf(someFrame(), i));
    for (const frame of frames.slice(0, 4)) transmit.send(driver, frame);
    vi.spyOn(ring, "run")
      .mockImplementationOnce((results) => {
        ring.cancel();
        results.set([60, -Errno.EAGAIN, -Errno.ECANCELED, -Errno.ECANCELED]);
      })
      .mockImplementationOnce((results) => {
        ring.cancel();
        results.set([-Errno.EAGAIN, -Errno.ECANCELED, -Errno.ECANCELED]);
      });
    transmit.flush(driver);
    expect([completed, transmit.stalled, transmit.waiting, counters.enqueued]).toEqual([[0], true, 3, 3]);
    for (const frame of frames.slice(4)) expect(transmit.send(driver, frame)).toBe(TxResult.Enqueued);
    transmit.flush(driver);
    expect([completed, counters.enqueued]).toEqual([[0], 5]);
    transmit.resume(driver, 3);
    expect([completed, transmit.stalled]).toEqual([[0, 1, 2, 3], true]);
    transmit.resume(driver, 64);
    expect([completed, transmit.stalled, counters.framesOut]).toEqual([[0, 1, 2, 3, 4, 5], false, 6]);
    expect(arrived(there, 0).map(({ bytes }) => bytes)).toEqual(frames.slice(1).map((frame) => frame.bytes[0]));
  });

  it("a descriptor that cannot be asked this way is asked frame by frame from then on", () => {
    const { transmit, there, driver, completed, ring } = batched(8, 0);
    const run = vi.spyOn(ring, "run").mockImplementation((results) => {
      ring.cancel();
      results.fill(-Errno.ENOTSUP);
    });
    for (let cookie = 0; cookie < 4; cookie++) transmit.send(driver, frameOf(someFrame(), cookie));
    transmit.flush(driver);
    expect(transmit.send(driver, frameOf(someFrame(), 4))).toBe(TxResult.Complete);
    expect([completed, arrived(there, 0).length]).toEqual([[0, 1, 2, 3], 5]);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("a guest that gives the queue up while its frames come back: those are nobody's any more", () => {
    const { transmit, there, driver, completed } = batched(8, 0);
    const { callbacks } = driver;
    Object.assign(callbacks, {
      txComplete: (cookie: number) => {
        completed.push(cookie);
        if (cookie !== 0) return;
        expect(transmit.drop(driver)).toBe(2);
        transmit.send(driver, frameOf(someFrame(77), 9));
        transmit.flush(driver);
      },
    });
    for (let cookie = 0; cookie < 3; cookie++) transmit.send(driver, frameOf(someFrame(), cookie));
    transmit.flush(driver);
    // What came in between goes when the kernel says that it takes more.
    expect([completed, transmit.stalled]).toEqual([[0, 1, 2], true]);
    transmit.resume(driver, 64);
    expect(completed).toEqual([0, 1, 2, 9]);
    expect(arrived(there, 0).map(({ bytes }) => bytes.length)).toEqual([60, 60, 60, 77]);
  });
});

function batchedCard(options: TapOptions): { backend: TapBackend; card: TestCard } {
  const backend = testTap({ batchedCalls: true, ...options });
  const card = new TestCard(backend, { noise: true });
  card.init();
  return { backend, card };
}

for (const [what, options] of [
  ["without a header", {}],
  ["with a virtio-net header", { vnetHeader: true }],
] as const) {
  describe(`a real interface ${what}`, () => {
    it("takes 300 frames in a few calls, all of them in order", async () => {
      const { backend, card } = batchedCard({ name: "many0", ...options });
      const peer = testPeer("many0");
      const frames = Array.from({ length: 300 }, (_, i) => someFrame(60 + i * 4));
      for (const frame of frames) expect(card.transmit(frame, [20])).toBe(TxResult.Enqueued);
      card.flush();
      expect(card.lent).toBe(0);
      for (const frame of frames) expect(await peer.receive()).toEqual(frame);
      expect(backend.stats().framesOut).toBe(300);
      card.verify();
    });

    it("that takes little at a time: every frame arrives, in order", async () => {
      const { card } = batchedCard({ name: "slow1", sendBufferBytes: 2000, queueFrames: 512, ...options });
      const peer = testPeer("slow1");
      const frames = Array.from({ length: 300 }, () => someFrame(1000));
      for (const frame of frames) card.transmit(frame);
      card.flush();
      for (const frame of frames) expect(await peer.receive()).toEqual(frame);
      await eventually(() => card.lent === 0, "all frames back");
      card.verify();
    });

    it("gives many frames at once, in order, whatever the guest's buffers look like", async () => {
      const { backend, card } = batchedCard({ name: "many1", ...options });
      const peer = testPeer("many1");
      const frames = Array.from({ length: 300 }, (_, i) => someFrame(60 + (i % 100) * 14));
      for (let i = 0; i < 100; i++) card.post(3, [[1600], [12, 100, 1500], [800, 800]][i % 3] ?? []);
      for (const frame of frames) peer.send(frame);
      await eventually(() => card.received.length === 300, "300 frames");
      expect(card.received).toEqual(frames);
      expect(backend.stats().framesIn).toBe(300);
      expect(card.roomsOut).toBe(0);
      card.verify();
    });

    it("a guest without room stops the reading, and no frame is lost that the kernel still has", async () => {
      const { backend, card } = batchedCard({ name: "many2", ...options });
      const peer = testPeer("many2");
      const frames = Array.from({ length: 200 }, () => someFrame());
      card.post(10, [1600]);
      for (const frame of frames) peer.send(frame);
      for (let posted = 10; posted < 200; posted += 19) {
        await eventually(() => card.received.length === posted, `${posted} frames`);
        card.post(19, [1600]);
      }
      await eventually(() => card.received.length === 200, "200 frames");
      expect(card.received).toEqual(frames);
      expect(backend.stats().starved).toBeGreaterThan(0);
      card.verify();
    });

    it("a card that is reset while its rooms are out", async () => {
      const { card } = batchedCard({ name: "many3", ...options });
      const peer = testPeer("many3");
      card.post(100, [1600]);
      let interrupts = 0;
      card.onInterrupt = () => {
        if (interrupts++ !== 1) return;
        card.reset();
        card.post(100, [1600]);
      };
      for (let i = 0; i < 60; i++) peer.send(someFrame());
      const last = someFrame(500);
      peer.send(last);
      await eventually(() => card.received.some((frame) => frame.length === 500), "the last frame");
      expect(card.received.at(-1)).toEqual(last);
      card.verify();
    });
  });
}
