import { describe, expect, it } from "vitest";
import {
  createMemfd,
  Errno,
  type Fd,
  IoVector,
  ioctl,
  mapMemory,
  read,
  readAt,
  readv,
  write,
  writeAt,
  writev,
} from "../src/index.ts";
import { testPair } from "./support/pipe.ts";
import { wasmMemory } from "./support/wasm-memory.ts";

function pair(): [number, number] {
  const [a, b] = testPair();
  return [a.fd.number, b.fd.number];
}

/** Memory of each kind that a guest's may be. */
const MEMORIES: Readonly<Record<string, () => ArrayBufferLike>> = {
  ArrayBuffer: () => new ArrayBuffer(8192),
  SharedArrayBuffer: () => new SharedArrayBuffer(8192),
  "WebAssembly memory": () => wasmMemory(1).buffer,
  "mapped memory": () => {
    const fd: Fd = createMemfd("io", 8192);
    const { buffer } = mapMemory(fd, 8192);
    fd.close();
    return buffer;
  },
};

describe("reading and writing in place", () => {
  for (const [name, make] of Object.entries(MEMORIES)) {
    it(`gathers ranges of ${name} and scatters them again`, () => {
      const [here, there] = pair();
      const memory = new Uint8Array(make());
      for (let i = 0; i < memory.length; i++) memory[i] = i * 7;
      const out = new IoVector();
      out.push(memory, 100, 10);
      out.push(memory, 3000, 1);
      out.push(memory, 500, 500);
      expect(writev(here, out)).toBe(511);

      const target = new Uint8Array(make());
      const into = new IoVector();
      into.push(target, 8000, 3);
      into.push(target, 0, 600);
      expect(readv(there, into)).toBe(511);
      const sent = [...memory.subarray(100, 110), ...memory.subarray(3000, 3001), ...memory.subarray(500, 1000)];
      expect([...target.subarray(8000, 8003), ...target.subarray(0, 508)]).toEqual(sent);
      expect(target.subarray(508, 8000).every((byte) => byte === 0)).toBe(true);
    });
  }

  it("one range goes without a vector, and is the same", () => {
    const [here, there] = pair();
    const vector = new IoVector();
    const bytes = Uint8Array.of(1, 2, 3, 4);
    vector.push(bytes, 1, 2);
    expect(writev(here, vector)).toBe(2);
    vector.clear();
    vector.push(bytes, 0, 4);
    expect(readv(there, vector)).toBe(2);
    expect([...bytes]).toEqual([2, 3, 3, 4]);
  });

  it("views and addresses", () => {
    const [here, there] = pair();
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 4).fill(9);
    expect(write(here, shared)).toBe(4);
    const target = new Uint16Array(4);
    expect(read(there, target)).toBe(4);
    expect([...target]).toEqual([0x0909, 0x0909, 0, 0]);
  });

  it("errors are results: minus their number", () => {
    const [here] = pair();
    const vector = new IoVector();
    expect(read(here, new Uint8Array(4))).toBe(-Errno.EAGAIN);
    expect(readv(999, vector)).toBe(-Errno.EBADF);
    expect(writev(999, vector)).toBe(-Errno.EBADF);
    // The kernel looks at addresses; a bad one is an error and no crash.
    expect(readAt(here, 8, 4)).toBe(-Errno.EAGAIN);
    expect(writeAt(here, 8, 4)).toBe(-Errno.EFAULT);
    expect(ioctl(here, 0x5401)).toBe(-25);
  });
});
