/* What a function's layers save, and how they take it. */
import { restore } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import {
  barEmulation,
  capEmulation,
  deviceEntry,
  hostBridge,
  intxEmulation,
  irqEmulation,
  msixEmulation,
  type PciBarWindow,
  type PciEntry,
  passthrough,
  VmmPciSpace,
} from "../src/index.ts";

const MSIX_AT = 0x50;
const COMMAND = 0x04;

/** A function of all layers, and what it does to the world around it. */
function make(vendorId = 0x1af4) {
  const lines: boolean[] = [];
  const messages: number[] = [];
  const told: PciBarWindow[] = [];
  const interrupts = {
    setLine: (_line: number, level: boolean) => lines.push(level),
    signalMessage: (_low: number, _high: number, data: number) => messages.push(data),
  };
  const header = deviceEntry({ vendorId, deviceId: 0x1041, caps: new Uint8Array(64), interruptPin: 1 });
  const pin = intxEmulation(header, interrupts, 5);
  const msix = msixEmulation(pin, interrupts, { at: MSIX_AT, vectors: 3, bar: 1 });
  const listed = irqEmulation(capEmulation(msix, [MSIX_AT]), 9);
  const bars = [
    { kind: "io", address: 0xc000, sizeBits: 5 },
    { kind: "mem64", address: 0, sizeBits: 14 },
  ] as const;
  const entry = barEmulation(listed, bars, { onBarChange: (window) => told.push(window) });
  return { entry, pin, msix, lines, messages, told };
}

function travel(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state));
}

describe("the state of a function", () => {
  it("is that of all its layers: what the guest wrote, BARs, the pin, the table and what is pending", () => {
    const { entry, pin, msix } = make();
    entry.ioWrite(COMMAND, 2, 0x0003);
    entry.ioWrite(0x10, 4, 0xd000);
    entry.ioWrite(0x14, 4, 0x8000_0000);
    entry.ioWrite(0x18, 4, 7);
    pin.setLevel(true);
    msix.region.write(16, 4, 0xfee0_0000);
    msix.region.write(24, 4, 77);
    entry.ioWrite(MSIX_AT + 2, 2, 0x8000);
    msix.signal(1);
    const other = make();
    restore(other.entry, travel(entry.save()));
    expect(other.entry.save()).toEqual(entry.save());
    expect(other.told.map(({ index, address, enabled }) => [index, address, enabled])).toEqual([
      [0, 0xd000, true],
      [1, 7 * 2 ** 32 + 0x8000_0000, true],
    ]);
    expect(other.lines).toEqual([true]);
    expect(other.messages).toEqual([]);
    other.msix.region.write(28, 4, 0);
    expect(other.messages).toEqual([77]);
  });

  it("is in place before anything is heard of it: lines and messages wait for the last step", () => {
    const { entry, pin, msix } = make();
    pin.setLevel(true);
    entry.ioWrite(MSIX_AT + 2, 2, 0xc000);
    msix.region.write(24, 4, 77);
    msix.region.write(28, 4, 0);
    msix.signal(1);
    const state = travel(entry.save()) as { msix: { control: number } };
    state.msix.control = 0x8000;
    const other = make();
    const restoration = other.entry.prepare(state);
    restoration.apply();
    expect([other.lines, other.messages]).toEqual([[], []]);
    restoration.resume();
    expect([other.lines, other.messages]).toEqual([[true], [77]]);
  });

  it("does not change what a guest cannot change", () => {
    const { entry } = make();
    const state = travel(entry.save()) as { config: number[] };
    state.config.fill(0xff, 4, 0x2c);
    state.config.fill(0xff, 0x30);
    const other = make();
    restore(other.entry, state);
    expect(other.entry.ioRead(COMMAND, 2)).toBe(0x0547);
    expect(other.entry.ioRead(0x08, 4)).toBe(0);
    expect(other.entry.ioRead(0x3c, 2)).toBe(0x0109);
    expect(other.entry.ioRead(0x60, 4)).toBe(0);
  });

  it("is refused where it is not one, field by field, and nothing has changed", () => {
    const { entry } = make();
    const good = entry.save();
    const bad: [string, unknown][] = [
      ["state", null],
      ["state", []],
      ["config", { ...good, config: new Array(255).fill(0) }],
      ["config[4]", { ...good, config: new Array(256).fill(256, 4).fill(0, 0, 4) }],
      ["config[0]", { ...good, config: new Array(256) }],
      ["config", make(0x8086).entry.save()],
      ["intx", { ...good, intx: 1 }],
      ["bars", { ...good, bars: [[0]] }],
      [
        "bars[0]",
        {
          ...good,
          bars: [
            [0, 0],
            [0, 0],
          ],
        },
      ],
      ["bars[1][0]", { ...good, bars: [[0], [-1, 0]] }],
      ["msix", { ...good, msix: undefined }],
      ["msix.control", { ...good, msix: { control: 0x1_0000, table: [], pending: [] } }],
      ["msix.table", { ...good, msix: { control: 0, table: [], pending: [] } }],
      ["msix.pending", { ...good, msix: { control: 0, table: new Array(12).fill(0), pending: [0, 0.5] } }],
    ];
    for (const [name, state] of bad) {
      expect(() => entry.prepare(state)).toThrow(`"${name}`);
      expect(entry.save()).toEqual(good);
    }
  });
});

describe("the state of a space", () => {
  const at = (dev: number, fun = 0) => ({ bus: 0, dev, fun });

  it("has the functions that keep something, and the address register", () => {
    const space = new VmmPciSpace();
    space.addEntry(make().entry, at(3, 1));
    const nobody: PciEntry = { ioRead: () => 0, ioWrite: () => {} };
    space.addEntry(nobody, at(4));
    const config = { ioRead8: () => 0, ioRead16: () => 0, ioRead32: () => 0 };
    const writes = { ioWrite8: () => {}, ioWrite16: () => {}, ioWrite32: () => {} };
    space.addEntry(passthrough(at(1), { ...config, ...writes }), at(5));
    space.configAddress = 0x8000_1904;
    const state = space.save();
    expect(state.functions.map(({ dev, fun }) => [dev, fun])).toEqual([[3, 1]]);
    const other = new VmmPciSpace({ hostBridge: hostBridge({ revisionId: 7 }) });
    const { entry } = make();
    other.addEntry(entry, at(3, 1));
    other.restore(travel(state));
    expect(other.configAddress).toBe(0x8000_1904);
    expect(other.save()).toEqual(state);
  });

  it("is taken as a whole: a later function's bad state keeps the earlier ones from theirs", () => {
    const space = new VmmPciSpace();
    const [one, two] = [make().entry, make().entry];
    space.addEntry(one, at(1));
    space.addEntry(two, at(2));
    const before = space.save();
    one.ioWrite(COMMAND, 2, 3);
    const [first, second] = space.save().functions;
    const bad = {
      ...before,
      configAddress: 8,
      functions: [first, { ...second, state: { ...second?.state, bars: [] } }],
    };
    one.ioWrite(COMMAND, 2, 0);
    expect(() => space.restore(bad)).toThrow('"bars');
    expect(space.save()).toEqual(before);
  });
});
