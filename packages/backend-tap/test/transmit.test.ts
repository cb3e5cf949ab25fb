import { TxResult } from "@vmmkit/ethif";
import { Errno } from "@vmmkit/posix";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_FRAME_BYTES } from "../src/limits.ts";
import { eventually, inOwnNetwork, someFrame, testCard, testPeer } from "./support/backends.ts";
import { ip } from "./support/namespace.ts";
import { frameOf, type OnSocket, onSocket } from "./support/on-socket.ts";

inOwnNetwork();

/** What the kernel is to answer to the next writes instead of taking them. */
const refusals: number[] = [];

vi.mock("@vmmkit/posix", async (original) => {
  const real = await original<typeof import("@vmmkit/posix")>();
  return {
    ...real,
    writev: (fd: number, vector: import("@vmmkit/posix").IoVector) => refusals.shift() ?? real.writev(fd, vector),
  };
});

beforeEach(() => {
  refusals.length = 0;
});

/** The way out with a call for each frame. */
function plainly(queueFrames = 4): OnSocket {
  return onSocket(queueFrames, 12, null);
}

describe("a frame", () => {
  it("goes out with its header before it, from many pieces in one call", () => {
    const { transmit, there, counters, driver } = plainly();
    const bytes = someFrame(1000);
    const frame = Object.assign(frameOf(bytes, 0, 7), { flags: 1, csumStart: 34, csumOffset: 16 });
    expect(transmit.send(driver, frame)).toBe(TxResult.Complete);
    const got = new Uint8Array(2000);
    expect(there.fd.read(got)).toBe(1012);
    expect([...got.subarray(0, 12)]).toEqual([1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0]);
    expect(got.subarray(12, 1012)).toEqual(bytes);
    expect([counters.framesOut, counters.bytesOut]).toEqual([1, 1000]);
  });

  it("in more pieces than a system call takes is put together first", () => {
    const { transmit, there, driver } = plainly();
    const bytes = someFrame(3000);
    expect(transmit.send(driver, Object.assign(frameOf(bytes, 0, 1), { flags: 2 }))).toBe(TxResult.Complete);
    const got = new Uint8Array(4000);
    expect(there.fd.read(got)).toBe(3012);
    expect([got[0], got.subarray(12, 3012)]).toEqual([2, bytes]);
  });

  it("whose memory went away is refused and counted, and nothing is read there", () => {
    const { transmit, there, counters, driver } = plainly();
    const bytes = someFrame(100);
    const frame = frameOf(bytes, 0, 50);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
    expect(transmit.send(driver, frame)).toBe(TxResult.Failed);
    expect(counters.refused).toBe(1);
    expect(there.fd.read(new Uint8Array(10))).toBe(-1);
  });

  it("shorter than an Ethernet header, or longer than any frame, is not sent", () => {
    const { transmit, counters, driver } = plainly();
    expect(transmit.send(driver, frameOf(new Uint8Array(13)))).toBe(TxResult.Failed);
    expect(transmit.send(driver, frameOf(new Uint8Array(MAX_FRAME_BYTES + 1)))).toBe(TxResult.Failed);
    expect([counters.tooShort, counters.tooLong, counters.framesOut]).toEqual([1, 1, 0]);
  });
});

describe("EAGAIN", () => {
  it("frames wait in their order, those beyond the queue are dropped, and all is sent when there is room", () => {
    const { transmit, counters, completed, driver, there } = plainly(2);
    refusals.push(-Errno.EAGAIN);
    const frames = [0, 1, 2].map((cookie) => frameOf(someFrame(), cookie));
    expect(frames.map((frame) => transmit.send(driver, frame))).toEqual([
      TxResult.Enqueued,
      TxResult.Enqueued,
      TxResult.Failed,
    ]);
    expect([transmit.waiting, counters.enqueued, counters.queueFull]).toEqual([2, 2, 1]);
    refusals.push(-Errno.EAGAIN);
    transmit.resume(driver, 64);
    expect(completed).toEqual([]);
    transmit.resume(driver, 64);
    expect(completed).toEqual([0, 1]);
    const got = new Uint8Array(100);
    for (const cookie of [0, 1]) {
      expect(there.fd.read(got)).toBe(72);
      expect(got.subarray(12, 72)).toEqual(frames[cookie]?.bytes[0]);
    }
  });

  it("as many as the budget says are sent before others have their turn", () => {
    const { transmit, completed, driver } = plainly(10);
    refusals.push(-Errno.EAGAIN);
    for (let cookie = 0; cookie < 5; cookie++) transmit.send(driver, frameOf(someFrame(), cookie));
    transmit.resume(driver, 2);
    expect(completed).toEqual([0, 1]);
    transmit.resume(driver, 64);
    expect(completed).toEqual([0, 1, 2, 3, 4]);
  });

  it("a frame that a reset of the card emptied is given back unsent", () => {
    const { transmit, counters, completed, driver } = plainly();
    refusals.push(-Errno.EAGAIN);
    const frame = frameOf(someFrame(), 7);
    transmit.send(driver, frame);
    frame.clear();
    transmit.resume(driver, 64);
    expect([completed, counters.closed, counters.framesOut]).toEqual([[7], 1, 0]);
  });

  it("of a real interface that takes little at a time: every frame arrives, in order", async () => {
    const { backend, card } = testCard({ name: "slow0", sendBufferBytes: 2000, queueFrames: 512 });
    const peer = testPeer("slow0");
    const frames = Array.from({ length: 300 }, () => someFrame(1000));
    const results = frames.map((frame) => card.transmit(frame));
    expect(results).not.toContain(TxResult.Failed);
    for (const frame of frames) expect(await peer.receive()).toEqual(frame);
    await eventually(() => card.lent === 0, "all frames back");
    expect(backend.stats()).toMatchObject({ framesOut: 300 });
    card.verify();
  });
});

describe("errors of the host are counted by their reason", () => {
  for (const [name, reason] of [
    ["EIO", "down"],
    ["ENETDOWN", "down"],
    ["EBADFD", "gone"],
    ["ENODEV", "gone"],
    ["ENOBUFS", "noMemory"],
    ["ENOMEM", "noMemory"],
    ["EINVAL", "refused"],
  ] as const) {
    it(`${name}: ${reason}`, () => {
      const { transmit, counters, troubles, driver, completed } = plainly();
      refusals.push(-Errno[name]);
      expect(transmit.send(driver, frameOf(someFrame()))).toBe(TxResult.Failed);
      expect(counters.snapshot().dropped[reason]).toBe(1);
      // Who looks after the interface is told where it may be down or gone.
      expect(troubles()).toBe(name === "EIO" || name === "EBADFD" ? 1 : 0);
      // And of a frame that waited.
      refusals.push(-Errno.EAGAIN, -Errno[name]);
      transmit.send(driver, frameOf(someFrame(), 3));
      transmit.resume(driver, 64);
      expect([counters.snapshot().dropped[reason], completed]).toEqual([2, [3]]);
      // The next one is sent as if nothing had been.
      expect(transmit.send(driver, frameOf(someFrame()))).toBe(TxResult.Complete);
    });
  }

  it("ENOBUFS through a whole card: dropped, and the next frame goes", async () => {
    const { backend, card } = testCard({ name: "nobufs0" });
    const peer = testPeer("nobufs0");
    refusals.push(-Errno.ENOBUFS);
    // One range goes by a plain write; two take the vector.
    expect(card.transmit(someFrame(), [20])).toBe(TxResult.Failed);
    const next = someFrame();
    expect(card.transmit(next, [20])).toBe(TxResult.Complete);
    expect(await peer.receive()).toEqual(next);
    expect(backend.stats().dropped.noMemory).toBe(1);
  });

  it("frames that wait when the interface goes down are given back", async () => {
    const { backend, card } = testCard({ name: "waits0" });
    refusals.push(-Errno.EAGAIN);
    expect(card.transmit(someFrame(), [20])).toBe(TxResult.Enqueued);
    ip("link set waits0 down");
    await eventually(() => card.lent === 0, "the frame back");
    expect(card.completed).toBe(1);
    const { dropped, framesOut } = backend.stats();
    expect(dropped.down + framesOut).toBe(1);
  });
});
