import { describe, expect, it } from "vitest";
import { addressOf, copyFromAddress, createMemfd, mapMemory, Pin } from "../src/index.ts";
import { collectGarbage } from "./support/collect.ts";
import { wasmMemory } from "./support/wasm-memory.ts";

function bytesAt(address: number, length: number): number[] {
  const copy = new Uint8Array(length);
  copyFromAddress(address, copy);
  return [...copy];
}

describe("addressOf", () => {
  for (const [kind, buffer] of [
    ["an ArrayBuffer", new ArrayBuffer(4096)],
    ["a SharedArrayBuffer", new SharedArrayBuffer(4096)],
    ["WebAssembly memory", wasmMemory(1).buffer],
  ] as const) {
    it(`is where the bytes of ${kind} are`, () => {
      const view = new Uint8Array(buffer, 100, 4);
      view.set([1, 2, 3, 4]);
      expect(bytesAt(addressOf(view), 4)).toEqual([1, 2, 3, 4]);
      expect(addressOf(view)).toBe(addressOf(new Uint8Array(buffer)) + 100);
    });
  }

  it("is where mapped memory was mapped", () => {
    const fd = createMemfd("addresses", 8192);
    const mapping = mapMemory(fd, 8192);
    fd.close();
    expect(addressOf(new Uint8Array(mapping.buffer, 5))).toBe(mapping.address + 5);
    mapping.unmap();
  });

  it("is where a small array is whose buffer nobody has asked for", async () => {
    // Such arrays may lie on the heap, where collections move things.
    const small = new Uint8Array([7, 8, 9]);
    const address = addressOf(small);
    await collectGarbage();
    expect(addressOf(small)).toBe(address);
    expect(bytesAt(address, 3)).toEqual([7, 8, 9]);
  });

  it("is 0 for a view without bytes, and for one whose memory was detached", () => {
    const buffer = new ArrayBuffer(16);
    const view = new Uint8Array(buffer);
    expect(addressOf(new Uint8Array(0))).toBe(0);
    expect(addressOf(view)).not.toBe(0);
    structuredClone(buffer, { transfer: [buffer] });
    expect(addressOf(view)).toBe(0);
  });

  it("is told anew for WebAssembly memory that has grown", () => {
    const memory = wasmMemory(1);
    new Uint8Array(memory.buffer)[3] = 42;
    expect(addressOf(new Uint8Array(memory.buffer))).not.toBe(0);
    memory.grow(256);
    const grown = new Uint8Array(memory.buffer);
    expect(bytesAt(addressOf(grown) + 3, 1)).toEqual([42]);
  });
});

/** A pinned buffer that nothing but the pin refers to, and whether it is still there. */
function pinnedBuffer(): { pin: Pin; buffer: WeakRef<ArrayBuffer> } {
  const buffer = new ArrayBuffer(1 << 20);
  const view = new Uint8Array(buffer, 16, 4);
  view.set([11, 12, 13, 14]);
  return { pin: new Pin(view), buffer: new WeakRef(buffer) };
}

describe("Pin", () => {
  it("keeps a buffer alive at its address until it is released: a raw address does not", async () => {
    const { pin, buffer } = pinnedBuffer();
    const { address } = pin;
    await collectGarbage();
    expect(buffer.deref()).toBeDefined();
    expect(bytesAt(address, 4)).toEqual([11, 12, 13, 14]);
    expect([pin.held, pin.lengthBytes]).toEqual([true, 4]);
    pin.release();
    pin.release();
    expect(pin.held).toBe(false);
    await collectGarbage();
    expect(buffer.deref()).toBeUndefined();
  });

  it("holds even where nobody keeps the pin", async () => {
    const { buffer } = pinnedBuffer();
    await collectGarbage();
    expect(buffer.deref()).toBeDefined();
  });

  it("refuses a view without bytes", () => {
    expect(() => new Pin(new Uint8Array(0))).toThrow('"view" expected at least 1 byte, got 0');
  });
});
