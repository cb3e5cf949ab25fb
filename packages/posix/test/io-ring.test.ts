import { describe, expect, it, onTestFinished } from "vitest";
import { addressOf, Errno, IoOp, IoRing, IoVector, SocketType, threadIoRing } from "../src/index.ts";
import { libc } from "../src/libc.ts";
import { testPair } from "./support/pipe.ts";

/** A ring that is closed with the test. Skips it where the kernel has none. */
function testRing(skip: (why: string) => void, capacity = 8): IoRing {
  const ring = IoRing.open(capacity);
  if (ring === null) {
    skip("the kernel has no io_uring for us");
    throw new Error("unreachable");
  }
  onTestFinished(() => ring.close());
  return ring;
}

function bytesOf(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(values.length));
  bytes.set(values);
  return bytes;
}

describe("a ring of reads and writes", () => {
  it("does all in their order with one call, and says what came of each", ({ skip }) => {
    const ring = testRing(skip);
    const [here, there] = testPair(SocketType.SeqPacket);
    const sent = [bytesOf(1, 2, 3), bytesOf(4), bytesOf(5, 6)];
    for (const one of sent) ring.push(IoOp.Write, here.fd.number, addressOf(one), one.length, false);
    expect(ring.count).toBe(3);
    const results = new Int32Array(8);
    ring.run(results);
    expect([...results.subarray(0, 3), ring.count]).toEqual([3, 1, 2, 0]);

    const rooms = [0, 1, 2, 3].map(() => bytesOf(0, 0, 0, 0));
    for (const room of rooms) ring.push(IoOp.Read, there.fd.number, addressOf(room), 4, false);
    ring.run(results);
    expect([...results.subarray(0, 4)]).toEqual([3, 1, 2, -Errno.EAGAIN]);
    expect(rooms.map((room) => [...room])).toEqual([
      [1, 2, 3, 0],
      [4, 0, 0, 0],
      [5, 6, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  it("gathers and scatters ranges", ({ skip }) => {
    const ring = testRing(skip);
    const [here, there] = testPair(SocketType.SeqPacket);
    const out = bytesOf(1, 2, 3, 4, 5, 6);
    const into = bytesOf(0, 0, 0, 0, 0, 0, 0, 0);
    const vector = new IoVector(4);
    vector.push(out, 4, 2);
    vector.push(out, 0, 3);
    vector.push(into, 6, 2);
    vector.push(into, 0, 5);
    const results = new Int32Array(2);
    ring.push(IoOp.Writev, here.fd.number, vector.address, 2, true);
    ring.push(IoOp.Readv, there.fd.number, vector.address + 32, 2, false);
    ring.run(results);
    expect([...results]).toEqual([5, 5]);
    expect([...into]).toEqual([1, 2, 3, 0, 0, 0, 5, 6]);
  });

  it("one that fails takes those along that are linked to it, and no others", ({ skip }) => {
    const ring = testRing(skip);
    const [here, there] = testPair(SocketType.SeqPacket);
    const byte = bytesOf(7);
    const results = new Int32Array(5);
    ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, true);
    ring.push(IoOp.Write, 1_000_000, addressOf(byte), 1, true);
    ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, true);
    ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, false);
    ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, false);
    ring.run(results);
    expect([...results]).toEqual([1, -Errno.EBADF, -Errno.ECANCELED, -Errno.ECANCELED, 1]);
    const got = bytesOf(0, 0);
    expect([there.fd.read(got), there.fd.read(got), there.fd.read(got)]).toEqual([1, 1, -1]);
  });

  it("never waits, not even for a descriptor that blocks", ({ skip }) => {
    const ring = testRing(skip);
    const [here, there] = testPair(SocketType.SeqPacket);
    const room = bytesOf(0);
    const results = new Int32Array(1);
    const flags = libc().fcntl(there.fd.number, 3, 0);
    libc().fcntl(there.fd.number, 4, flags & ~0o4000);
    ring.push(IoOp.Read, there.fd.number, addressOf(room), 1, false);
    ring.run(results);
    expect(results[0]).toBe(-Errno.EAGAIN);
    // Nothing is left under way that would take it.
    here.fd.write(bytesOf(9));
    expect([there.fd.read(room), room[0]]).toEqual([1, 9]);
  });

  it("takes as many as fit, and goes round for ever", ({ skip }) => {
    const ring = testRing(skip, 4);
    const [here, there] = testPair(SocketType.SeqPacket);
    const byte = bytesOf(0);
    const results = new Int32Array(4);
    for (let round = 0; round < 5000; round++) {
      byte[0] = round;
      const count = 1 + (round % ring.capacity);
      for (let i = 0; i < count; i++) ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, false);
      if (count === ring.capacity) {
        expect(ring.push(IoOp.Write, here.fd.number, addressOf(byte), 1, false)).toBe(false);
      }
      ring.run(results);
      for (let i = 0; i < count; i++) {
        byte[0] = ~round;
        if (there.fd.read(byte) !== 1 || byte[0] !== (round & 0xff)) throw new Error(`round ${round}, byte ${i}`);
      }
      expect(there.fd.read(byte)).toBe(-1);
    }
  });

  it("nothing to do is nothing done", ({ skip }) => {
    const results = new Int32Array(1).fill(5);
    testRing(skip).run(results);
    expect(results[0]).toBe(5);
  });

  it("is closed once, and its capacity is checked", ({ skip }) => {
    const ring = testRing(skip);
    ring.close();
    ring.close();
    expect(() => IoRing.open(0)).toThrow('"capacity" expected an integer from 1 to 4096, got 0');
  });

  it("one serves the whole thread", () => {
    expect(threadIoRing()).toBe(threadIoRing());
  });
});
