import { type IoPortInterface, IoPortType, VmmIoPortList } from "@vmmkit/ioport";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONFIG_PORT_RANGE, configPorts, VmmPciSpace } from "../src/index.ts";
import { RawEntry } from "./support/raw-entry.ts";

const ADDRESS = 0xcf8;
const DATA = 0xcfc;

/** Another PCI behind ours: it remembers what it sees and answers 0x11 in each byte. */
function emulator(): { port: IoPortInterface; log: string[] } {
  const log: string[] = [];
  const port: IoPortInterface = {
    portIn(number, size) {
      log.push(`in ${number.toString(16)} ${size}`);
      return 0x1111_1111;
    },
    portOut(number, size, value) {
      log.push(`out ${number.toString(16)} ${size} ${value.toString(16)}`);
    },
    desc: "emulator",
  };
  return { port, log };
}

/** Our function is device 1. */
function make(fallback?: IoPortInterface): { ports: VmmIoPortList; raw: RawEntry } {
  const space = new VmmPciSpace({ hostBridge: null });
  const raw = new RawEntry();
  space.addEntry(raw, { bus: 0, dev: 1, fun: 0 });
  raw.bytes.forEach((_, offset) => {
    raw.bytes[offset] = offset;
  });
  raw.bytes[0x0e] = 0;
  const ports = new VmmIoPortList();
  ports.addHandler(CONFIG_PORT_RANGE, configPorts(space, fallback === undefined ? {} : { fallback }), IoPortType.Addr);
  return { ports, raw };
}

const select = (ports: VmmIoPortList, reg: number, dev = 1): void =>
  ports.emulateOut(ADDRESS, 4, 0x8000_0000 + dev * 0x800 + reg);

describe("the address register", () => {
  it("keeps what is written in 32 bits, without the reserved ones", () => {
    const { ports } = make();
    expect(ports.emulateIn(ADDRESS, 4)).toBe(0);
    ports.emulateOut(ADDRESS, 4, 0xffff_ffff);
    expect(ports.emulateIn(ADDRESS, 4)).toBe(0x80ff_fffc);
    ports.emulateOut(ADDRESS, 4, 0x8000_0000);
    expect(ports.emulateIn(ADDRESS, 4)).toBe(0x8000_0000);
  });

  it("is not there for narrower accesses (3.2.2.3.2)", () => {
    const { ports } = make();
    select(ports, 0x40);
    for (const [port, size] of [
      [0xcf8, 1],
      [0xcf8, 2],
      [0xcf9, 1],
      [0xcfa, 2],
      [0xcfb, 1],
    ] as const) {
      ports.emulateOut(port, size, 0xff);
      expect(ports.emulateIn(port, size)).toBe(size === 1 ? 0xff : 0xffff);
    }
    expect(ports.emulateIn(ADDRESS, 4)).toBe(0x8000_0840);
  });
});

describe("the data port", () => {
  it("reads any width at any offset", () => {
    const { ports } = make();
    select(ports, 0x40);
    expect(ports.emulateIn(DATA, 4)).toBe(0x4342_4140);
    expect([0, 2].map((i) => ports.emulateIn(DATA + i, 2))).toEqual([0x4140, 0x4342]);
    expect([0, 1, 2, 3].map((i) => ports.emulateIn(DATA + i, 1))).toEqual([0x40, 0x41, 0x42, 0x43]);
    expect(ports.emulateIn(DATA + 1, 2)).toBe(0x4241);
    select(ports, 0xfc);
    expect(ports.emulateIn(DATA, 4)).toBe(0xfffe_fdfc);
  });

  it("writes any width at any offset", () => {
    const { ports, raw } = make();
    select(ports, 0x40);
    ports.emulateOut(DATA, 4, 0x4433_2211);
    ports.emulateOut(DATA + 2, 2, 0x6655);
    ports.emulateOut(DATA + 3, 1, 0x77);
    ports.emulateOut(DATA + 1, 2, 0x9988);
    expect(raw.log).toEqual(["40 4 44332211", "42 2 6655", "43 1 77", "41 1 88", "42 1 99"]);
  });

  it("reads ones for functions that are not there, and without the enable bit", () => {
    const { ports, raw } = make();
    for (const conf of [0x8000_1000, 0x8001_0800, 0x8000_0900, 0x0000_0840]) {
      ports.emulateOut(ADDRESS, 4, conf);
      expect([1, 2, 4].map((size) => ports.emulateIn(DATA, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
      ports.emulateOut(DATA, 4, 0);
    }
    expect(raw.log).toEqual([]);
  });

  it("does not run on behind its four bytes", () => {
    const { ports, raw } = make();
    select(ports, 0x40);
    expect(ports.emulateIn(DATA + 2, 4)).toBe(0xffff_4342);
    ports.emulateOut(DATA + 3, 4, 0xddcc_bbaa);
    expect(raw.log).toEqual(["43 1 aa"]);
  });
});

describe("the fallback", () => {
  it("sees every write of the address register", () => {
    const { port, log } = emulator();
    const { ports } = make(port);
    select(ports, 0x40);
    select(ports, 0x44, 2);
    expect(log).toEqual(["out cf8 4 80000840", "out cf8 4 80001044"]);
  });

  it("answers for functions that are not ours, and only for those", () => {
    const { port, log } = emulator();
    const { ports, raw } = make(port);
    select(ports, 0x40);
    ports.emulateOut(DATA, 4, 1);
    ports.emulateIn(DATA, 4);
    expect(log).toEqual(["out cf8 4 80000840"]);
    select(ports, 0x40, 2);
    ports.emulateOut(DATA + 2, 2, 0x22);
    expect(ports.emulateIn(DATA + 1, 1)).toBe(0x11);
    expect(log.slice(2)).toEqual(["out cfe 2 22", "in cfd 1"]);
    expect(raw.log).toEqual(["40 4 1"]);
  });

  it("gets the reset register and whatever else is not PCI's", () => {
    const { port, log } = emulator();
    const { ports } = make(port);
    select(ports, 0x40);
    ports.emulateOut(0xcf9, 1, 6);
    expect(ports.emulateIn(0xcf9, 1)).toBe(0x11);
    expect(ports.emulateIn(0xcf8, 2)).toBe(0x1111);
    expect(log.slice(1)).toEqual(["out cf9 1 6", "in cf9 1", "in cf8 2"]);
  });

  it("shares an access across both registers with our functions", () => {
    const { port, log } = emulator();
    const { ports, raw } = make(port);
    select(ports, 0x40);
    expect(ports.emulateIn(0xcfa, 4)).toBe(0x4140_1111);
    ports.emulateOut(0xcfb, 2, 0xbbaa);
    expect(log.slice(1)).toEqual(["in cfa 1", "in cfb 1", "out cfb 1 aa"]);
    expect(raw.log).toEqual(["40 1 bb"]);
  });
});

describe("a hostile guest", () => {
  it("gets an unsigned answer of the right width to anything, and no error", () => {
    const access = fc.record({
      port: fc.integer({ min: 0xcf0, max: 0xd04 }),
      size: fc.constantFrom(0, 1, 2, 3, 4, 5, 8),
      value: fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
      isIn: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 50 }), (accesses) => {
        const space = new VmmPciSpace();
        const port = configPorts(space);
        for (const { port: number, size, value, isIn } of accesses) {
          if (!isIn) port.portOut(number, size, value);
          else
            expect(port.portIn(number, size)).toBeLessThanOrEqual(
              size === 1 ? 0xff : size === 2 ? 0xffff : 2 ** 32 - 1,
            );
          if (isIn) expect(port.portIn(number, size)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
