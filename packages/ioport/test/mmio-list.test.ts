import { describe, expect, it } from "vitest";
import {
  type MmioChange,
  type MmioInterface,
  MmioRangeError,
  UnknownMmioEntryError,
  VmmMmioList,
} from "../src/index.ts";

/** Above 4 GiB, where ports cannot be. */
const HIGH = 0x12_3456_0000;

/** Answers each byte with its offset, and writes down what it is asked. */
class Registers implements MmioInterface {
  readonly desc: string;
  readonly calls: string[] = [];

  constructor(desc = "registers") {
    this.desc = desc;
  }

  read(offset: number, size: number): number {
    this.calls.push(`read ${offset} ${size}`);
    let value = 0;
    for (let i = 0; i < size; i++) value |= ((offset + i) & 0xff) << (8 * i);
    return value;
  }

  write(offset: number, size: number, value: number): void {
    this.calls.push(`write ${offset} ${size} ${value}`);
  }
}

function range(start: number, bytes: number) {
  return { start, end: start + bytes - 1 };
}

describe("VmmMmioList", () => {
  it("hands an access inside one range to its handler, by offset, at any width and above 4 GiB", () => {
    const list = new VmmMmioList();
    const registers = new Registers();
    list.addHandler(range(HIGH, 0x1000), registers);
    expect(list.emulateRead(HIGH + 4, 4)).toBe(0x0706_0504);
    expect(list.emulateRead(HIGH + 0xffc, 4)).toBe(0xfffe_fdfc);
    list.emulateWrite(HIGH + 2, 2, 0x1_2345);
    list.emulateWrite(HIGH + 3, 1, 0x1ff);
    expect(registers.calls).toEqual(["read 4 4", "read 4092 4", "write 2 2 9029", "write 3 1 255"]);
  });

  it("splits an access over a border into bytes, and has ones where nobody is", () => {
    const list = new VmmMmioList();
    const [low, high] = [new Registers(), new Registers()];
    list.addHandler(range(0x1000, 0x10), low);
    list.addHandler(range(0x1010, 0x10), high);
    expect(list.emulateRead(0x100e, 4)).toBe(0x0100_0f0e);
    expect(list.emulateRead(0x101e, 4)).toBe(0xffff_0f0e);
    list.emulateWrite(0x100f, 2, 0xabcd);
    expect(low.calls.at(-1)).toBe("write 15 1 205");
    expect(high.calls.at(-1)).toBe("write 0 1 171");
    expect(list.counters).toEqual({ unclaimedReads: 1, unclaimedWrites: 0 });
  });

  it.each([0, 3, 8, -1, Number.NaN])("has ones for a width of %s, and ignores such a write", (size) => {
    const list = new VmmMmioList();
    const registers = new Registers();
    list.addHandler(range(0, 0x100), registers);
    expect(list.emulateRead(0, size)).toBe(0xffff_ffff);
    list.emulateWrite(0, size, 1);
    expect(registers.calls).toEqual([]);
    expect(list.counters).toEqual({ unclaimedReads: 1, unclaimedWrites: 1 });
  });

  it("maps, moves and unmaps, and tells listeners", () => {
    const list = new VmmMmioList();
    const changes: string[] = [];
    const stop = list.onChange(({ kind, start, end }: MmioChange) => changes.push(`${kind} ${start}-${end}`));
    const entry = list.addHandler(range(0x1000, 0x100), new Registers(), false);
    expect(entry.mapped).toBe(false);
    expect(list.find(0x1000)).toBeNull();
    expect(list.mapHandler(entry)).toBe(true);
    expect(list.mapHandler(entry, 0x2000)).toBe(true);
    expect(entry.range).toEqual(range(0x2000, 0x100));
    expect(list.mapHandler(entry, 0x2000)).toBe(true);
    list.unmapHandler(entry);
    expect(list.emulateRead(0x2000, 1)).toBe(0xff);
    stop();
    list.mapHandler(entry);
    expect(changes).toEqual(["mapped 4096-4351", "unmapped 4096-4351", "mapped 8192-8447", "unmapped 8192-8447"]);
  });

  it("lets a range that is moved onto another wait until the addresses are free", () => {
    const list = new VmmMmioList();
    const first = list.addHandler(range(0x1000, 0x100), new Registers("first"));
    const second = list.addHandler(range(0x2000, 0x100), new Registers("second"));
    expect(list.mapHandler(second, 0x1080)).toBe(false);
    expect(list.find(0x10ff)).toBe(first);
    expect(list.find(0x2000)).toBeNull();
    list.unmapHandler(first);
    expect(list.find(0x10ff)).toBe(second);
    expect(list.find(0x107f)).toBeNull();
  });

  it("keeps its range where the guest moves it to addresses that there are not", () => {
    const list = new VmmMmioList();
    const entry = list.addHandler(range(0x1000, 0x100), new Registers());
    for (const start of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
      expect(list.mapHandler(entry, start)).toBe(false);
      expect(entry).toMatchObject({ mapped: false, range: range(0x1000, 0x100) });
    }
    expect(list.mapHandler(entry)).toBe(true);
  });

  it("refuses ranges that cannot be, or are taken, by name and value", () => {
    const list = new VmmMmioList();
    list.addHandler(range(0x1000, 0x100), new Registers("first"));
    for (const wrong of [range(-4, 4), range(0, 0), range(2 ** 53, 1), { start: 0.5, end: 3 }]) {
      expect(() => list.addHandler(wrong, new Registers())).toThrow(MmioRangeError);
    }
    expect(() => list.addHandler(range(0x10ff, 1), new Registers("second"))).toThrow(
      '"range" 0x10ff-0x10ff for second overlaps 0x1000-0x10ff of first',
    );
    expect(list.entries()).toHaveLength(1);
  });

  it("knows only its own entries", () => {
    const list = new VmmMmioList();
    const entry = list.addHandler(range(0, 16), new Registers());
    list.removeHandler(entry);
    expect(list.find(0)).toBeNull();
    for (const act of [
      () => list.removeHandler(entry),
      () => list.mapHandler(entry),
      () => list.unmapHandler(entry),
      () => list.mapHandler(new VmmMmioList().addHandler(range(0, 16), new Registers())),
    ]) {
      expect(act).toThrow(UnknownMmioEntryError);
    }
  });
});
