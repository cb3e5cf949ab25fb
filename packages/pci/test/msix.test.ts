/* MSI-X (PCI Local Bus Specification 3.0, 6.8.2). */
import type { InterruptController } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import {
  capEmulation,
  deviceEntry,
  hasMessages,
  type MsixEntry,
  msixEmulation,
  PciDefinitionError,
} from "../src/index.ts";

const AT = 0x50;
const CONTROL = AT + 2;

function make(vectors = 3, extra: Partial<InterruptController> = {}) {
  const messages: number[][] = [];
  const enables: boolean[] = [];
  const interrupts = {
    setLine: () => {},
    signalMessage: (low: number, high: number, data: number) => messages.push([low, high, data]),
    ...extra,
  };
  const entry = msixEmulation(deviceEntry({ vendorId: 1, deviceId: 2, caps: new Uint8Array(64) }), interrupts, {
    at: AT,
    vectors,
    bar: 1,
    onEnable: (on) => enables.push(on),
  });
  return { entry, messages, enables };
}

function setUp(entry: MsixEntry, vector: number, control = 0): void {
  const at = 16 * vector;
  entry.region.write(at, 4, 0xfee0_1000 + 4 * vector);
  entry.region.write(at + 4, 4, 1);
  entry.region.write(at + 8, 4, 0x40 + vector);
  entry.region.write(at + 12, 4, control);
}

describe("msixEmulation", () => {
  it("6.8.2 shows its capability, and where table and pending bits are", () => {
    const { entry } = make(3);
    const listed = capEmulation(entry, [AT]);
    expect(listed.ioRead(0x34, 1)).toBe(AT);
    expect(listed.ioRead(AT, 1)).toBe(0x11);
    expect(listed.ioRead(AT + 1, 1)).toBe(0);
    expect(listed.ioRead(CONTROL, 2)).toBe(2);
    expect(listed.ioRead(AT + 4, 4)).toBe(1);
    expect(listed.ioRead(AT + 8, 4)).toBe(0x801);
    expect(listed.ioRead(AT + 9, 1)).toBe(0x08);
    expect(entry.region.bar).toMatchObject({ kind: "mem32", sizeBits: 12 });
  });

  it.each([
    [1, 12],
    [128, 12],
    [129, 12],
    [2048, 16],
  ])("has room for %i vectors", (vectors, sizeBits) => {
    const { entry, messages } = make(vectors);
    expect(entry.region.bar.sizeBits).toBe(sizeBits);
    entry.ioWrite(CONTROL, 2, 0x8000);
    entry.signal(vectors - 1);
    const pending = entry.ioRead(AT + 8, 4) - 1 + 4 * ((vectors - 1) >> 5);
    expect(entry.region.read(pending, 4)).toBe((1 << ((vectors - 1) & 31)) >>> 0);
    setUp(entry, vectors - 1);
    expect(messages).toHaveLength(1);
  });

  it("sends a vector's message, and nothing while it is off", () => {
    const { entry, messages, enables } = make();
    setUp(entry, 1);
    entry.signal(1);
    entry.ioWrite(CONTROL, 2, 0x8000);
    expect(entry.enabled).toBe(true);
    entry.signal(1);
    entry.signal(7);
    entry.signal(-1);
    expect(messages).toEqual([[0xfee0_1004, 1, 0x41]]);
    entry.ioWrite(CONTROL + 1, 1, 0);
    expect(entry.enabled).toBe(false);
    expect(enables).toEqual([true, false]);
  });

  it("6.8.2.9 keeps each message of a masked vector once, and sends it when it is let through", () => {
    const { entry, messages } = make();
    entry.ioWrite(CONTROL, 2, 0x8000);
    setUp(entry, 0, 1);
    entry.signal(0);
    entry.signal(0);
    expect(entry.region.read(0x800, 4)).toBe(1);
    entry.region.write(12, 4, 0);
    expect(messages).toEqual([[0xfee0_1000, 1, 0x40]]);
    expect(entry.region.read(0x800, 4)).toBe(0);
    entry.region.write(12, 4, 0);
    expect(messages).toHaveLength(1);
  });

  it("6.8.2.3 keeps all messages while the function is masked", () => {
    const { entry, messages } = make();
    for (const vector of [0, 1, 2]) setUp(entry, vector, vector === 2 ? 1 : 0);
    entry.ioWrite(CONTROL, 2, 0xc000);
    for (const vector of [2, 1, 0]) entry.signal(vector);
    expect(messages).toEqual([]);
    expect(entry.region.read(0x800, 1)).toBe(7);
    entry.ioWrite(AT, 4, 0x8000_0000);
    expect(messages.map(([, , data]) => data)).toEqual([0x40, 0x41]);
    expect(entry.region.read(0x800, 1)).toBe(4);
  });

  it("has every vector masked at first and after a reset, reserved bits at 0, and pending bits that nobody writes", () => {
    const { entry } = make();
    expect([0, 1, 2].map((vector) => entry.region.read(16 * vector + 12, 4))).toEqual([1, 1, 1]);
    entry.region.write(0, 4, 0xffff_ffff);
    entry.region.write(12, 4, 0xffff_fffe);
    entry.region.write(0x800, 4, 7);
    expect([entry.region.read(0, 4), entry.region.read(12, 4), entry.region.read(0x800, 4)]).toEqual([
      0xffff_fffc, 0, 0,
    ]);
    entry.ioWrite(CONTROL, 2, 0xffff);
    expect(entry.ioRead(CONTROL, 2)).toBe(0xc002);
    entry.reset();
    expect(entry.ioRead(CONTROL, 2)).toBe(2);
    expect(entry.region.read(12, 4)).toBe(1);
  });

  it("takes any width and offset, and reads what it wrote", () => {
    const { entry } = make();
    entry.region.write(9, 2, 0xabcd);
    entry.region.write(11, 1, 0x12);
    expect(entry.region.read(8, 4)).toBe(0x12ab_cd00);
    entry.region.write(14, 4, 0x1234_5678);
    expect(entry.region.read(16, 2)).toBe(0x1234);
    entry.region.write(0xffe, 4, 5);
    expect(entry.region.read(0xffe, 4)).toBe(0);
  });

  it("leaves the rest of configuration space to the entry below", () => {
    const { entry } = make();
    entry.ioWrite(0x3c, 1, 9);
    expect(entry.ioRead(0x3c, 1)).toBe(9);
    entry.ioWrite(AT + 4, 4, 0xffff_ffff);
    expect(entry.ioRead(AT + 4, 4)).toBe(1);
    expect(entry.ioRead(AT + 1, 2)).toBe(0xffff);
  });

  it("signals vectors by number where the VMM keeps the table, masked or not", () => {
    const vectors: number[] = [];
    const { entry, messages } = make(3, { signalVector: (vector) => vectors.push(vector) });
    entry.signal(2);
    entry.ioWrite(CONTROL, 2, 0x8000);
    entry.signal(2);
    entry.signal(3);
    expect(vectors).toEqual([2]);
    expect(messages).toEqual([]);
  });

  it("refuses what cannot be, by name and value", () => {
    const below = deviceEntry({ vendorId: 1, deviceId: 2 });
    const able = { setLine: () => {}, signalMessage: () => {} };
    expect(hasMessages({ setLine: () => {} })).toBe(false);
    expect(() => msixEmulation(below, { setLine: () => {} }, { at: AT, vectors: 1, bar: 1 })).toThrow(
      PciDefinitionError,
    );
    for (const [wrong, message] of [
      [{ at: 0x42 }, '"at" expected a multiple of 4 from 0x40 to 0xf4, got 66'],
      [{ at: 0xf8 }, "got 248"],
      [{ vectors: 0 }, '"vectors" expected 1 to 2048, got 0'],
      [{ vectors: 2049 }, "got 2049"],
      [{ bar: 6 }, '"bar" expected 0 to 5, got 6'],
    ] as const) {
      expect(() => msixEmulation(below, able, { ...{ at: AT, vectors: 1, bar: 1 }, ...wrong })).toThrow(message);
    }
  });
});
