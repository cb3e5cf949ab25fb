import { describe, expect, it } from "vitest";
import {
  type IoPortChange,
  IoPortExhaustedError,
  IoPortOverlapError,
  type IoPortRange,
  IoPortRangeError,
  IoPortType,
  UnknownIoPortEntryError,
  VmmIoPortList,
} from "../src/index.ts";
import { byteOf, RecordingPort } from "./support/recording-port.ts";

const free = (size: number): IoPortRange => ({ start: 0, end: 0, size });
const at = (start: number, end: number): IoPortRange => ({ start, end, size: end - start + 1 });

function follow(list: VmmIoPortList): string[] {
  const log: string[] = [];
  list.onChange((change: IoPortChange) => {
    log.push(`${change.kind} ${change.entry.iface.desc} ${change.start.toString(16)}-${change.end.toString(16)}`);
  });
  return log;
}

describe("ranges of type Free", () => {
  it("start at the allocation address and follow each other naturally aligned", () => {
    const list = new VmmIoPortList(0xc004);
    const ranges = [0x20, 4, 0x18, 1].map((size) => list.addHandler(free(size), new RecordingPort(), 0).range);
    expect(ranges).toEqual([at(0xc020, 0xc03f), at(0xc004, 0xc007), at(0xc040, 0xc057), at(0xc008, 0xc008)]);
  });

  it("leave alone the whole power of two that a BAR of that size decodes", () => {
    const list = new VmmIoPortList(0xc000);
    list.addHandler(free(0x18), new RecordingPort(), IoPortType.Free);
    expect(list.addHandler(free(8), new RecordingPort(), IoPortType.Free).range).toEqual(at(0xc020, 0xc027));
  });

  it("avoid entries that are not mapped", () => {
    const list = new VmmIoPortList(0xc000);
    list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free, false);
    expect(list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free).range.start).toBe(0xc020);
  });

  it("take back what was removed", () => {
    const list = new VmmIoPortList();
    const first = list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free);
    list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free);
    list.removeHandler(first);
    expect(list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free).range.start).toBe(0xc000);
  });

  it("end at port 0xffff with a named error", () => {
    const list = new VmmIoPortList(0xff80);
    expect(list.addHandler(free(0x80), new RecordingPort(), IoPortType.Free).range).toEqual(at(0xff80, 0xffff));
    expect(() => list.addHandler(free(1), new RecordingPort("late"), IoPortType.Free)).toThrow(IoPortExhaustedError);
    expect(new VmmIoPortList(0).addHandler(free(0x10000), new RecordingPort(), 0).range).toEqual(at(0, 0xffff));
  });
});

describe("ranges of type Addr", () => {
  it("are taken as they are, whatever their size says", () => {
    const list = new VmmIoPortList();
    const entry = list.addHandler({ start: 0x3f8, end: 0x3ff, size: 99 }, new RecordingPort(), IoPortType.Addr);
    expect(entry.range).toEqual(at(0x3f8, 0x3ff));
    expect(entry.mapped).toBe(true);
  });

  it("refuse an overlap and name both handlers", () => {
    const list = new VmmIoPortList();
    list.addHandler(at(0x100, 0x10f), new RecordingPort("old"), IoPortType.Addr);
    const add = (range: IoPortRange) => () => list.addHandler(range, new RecordingPort("new"), IoPortType.Addr);
    expect(add(at(0x10f, 0x110))).toThrow(IoPortOverlapError);
    expect(add(at(0x10f, 0x110))).toThrow('"range" 0x10f-0x110 for new overlaps 0x100-0x10f of old');
    expect(add(at(0xf0, 0x100))).toThrow(IoPortOverlapError);
    expect(add(at(0xf0, 0x200))).toThrow(IoPortOverlapError);
    expect(add(at(0x108, 0x108))).toThrow(IoPortOverlapError);
    expect(add(at(0x110, 0x110))).not.toThrow();
    expect(add(at(0xff, 0xff))).not.toThrow();
    expect(list.entries()).toHaveLength(3);
  });
});

describe("the embedder's mistakes", () => {
  it("are refused with the argument and its value", () => {
    const list = new VmmIoPortList();
    const add = (range: IoPortRange, type: IoPortType) => () => list.addHandler(range, new RecordingPort(), type);
    expect(() => new VmmIoPortList(0x10000)).toThrow('"allocAddr" expected an integer from 0 to 0xffff, got 65536');
    expect(add(free(0), IoPortType.Free)).toThrow('"range.size" expected an integer from 1 to 0x10000, got 0');
    expect(add(free(1.5), IoPortType.Free)).toThrow(IoPortRangeError);
    expect(add(at(5, 4), IoPortType.Addr)).toThrow('"range.end" expected at least range.start 5, got 4');
    expect(add(at(-1, 4), IoPortType.Addr)).toThrow(IoPortRangeError);
    expect(add(at(0xfff0, 0x10000), IoPortType.Addr)).toThrow(IoPortRangeError);
    expect(add(at(0, 1), 2 as unknown as IoPortType)).toThrow('"type" expected an IoPortType, got 2');
    expect(list.entries()).toEqual([]);
  });

  it("include entries of another list and removed ones", () => {
    const list = new VmmIoPortList();
    const entry = list.addHandler(free(4), new RecordingPort("gone"), IoPortType.Free);
    list.removeHandler(entry);
    expect(() => list.removeHandler(entry)).toThrow(UnknownIoPortEntryError);
    expect(() => list.mapHandler(entry)).toThrow('"entry" gone at 0xc000-0xc003 is not on this list');
    expect(() => new VmmIoPortList().unmapHandler(entry)).toThrow(UnknownIoPortEntryError);
    expect(() => list.moveHandler({ ...entry }, 0)).toThrow(UnknownIoPortEntryError);
  });
});

describe("accesses", () => {
  it("inside one handler reach it whole, with their width", () => {
    const list = new VmmIoPortList();
    const port = new RecordingPort();
    list.addHandler(at(0xc000, 0xc01f), port, IoPortType.Addr);
    for (const size of [1, 2, 4]) {
      list.emulateIn(0xc001, size);
      list.emulateOut(0xc001, size, 0xffff_ffff);
    }
    const whole = ["in c001 1", "out c001 1 ff", "in c001 2", "out c001 2 ffff", "in c001 4", "out c001 4 ffffffff"];
    expect(port.log).toEqual(whole);
    expect(list.counters).toEqual({ unclaimedReads: 0, unclaimedWrites: 0 });
  });

  it("across two handlers are split into bytes, little-endian", () => {
    const list = new VmmIoPortList();
    const low = new RecordingPort();
    const high = new RecordingPort();
    list.addHandler(at(0x10, 0x12), low, IoPortType.Addr);
    list.addHandler(at(0x13, 0x20), high, IoPortType.Addr);
    expect(list.emulateIn(0x11, 4)).toBe(
      byteOf(0x11) + byteOf(0x12) * 0x100 + byteOf(0x13) * 0x10000 + byteOf(0x14) * 0x100_0000,
    );
    list.emulateOut(0x11, 4, 0x8877_6655);
    expect(low.log).toEqual(["in 11 1", "in 12 1", "out 11 1 55", "out 12 1 66"]);
    expect(high.log).toEqual(["in 13 1", "in 14 1", "out 13 1 77", "out 14 1 88"]);
  });

  it("partly outside every handler read ones there, and count once", () => {
    const list = new VmmIoPortList();
    const port = new RecordingPort();
    list.addHandler(at(0x10, 0x10), port, IoPortType.Addr);
    expect(list.emulateIn(0x0f, 4)).toBe(0xffff00ff + byteOf(0x10) * 0x100);
    list.emulateOut(0x0f, 4, 0x4433_2211);
    expect(port.log).toEqual(["in 10 1", "out 10 1 22"]);
    expect(list.counters).toEqual({ unclaimedReads: 1, unclaimedWrites: 1 });
  });

  it("that nobody claims read all ones, unsigned", () => {
    const list = new VmmIoPortList();
    expect([1, 2, 4].map((size) => list.emulateIn(0x80, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
    list.emulateOut(0x80, 1, 0);
    expect(list.counters).toEqual({ unclaimedReads: 3, unclaimedWrites: 1 });
  });

  it("behind port 0xffff find nobody, not port 0", () => {
    const list = new VmmIoPortList();
    const first = new RecordingPort();
    const last = new RecordingPort();
    list.addHandler(at(0, 3), first, IoPortType.Addr);
    list.addHandler(at(0xfffc, 0xffff), last, IoPortType.Addr);
    expect(list.emulateIn(0xffff, 4)).toBe(0xffff_ff00 + byteOf(0xffff));
    list.emulateOut(0xfffe, 4, 0x4433_2211);
    expect(first.log).toEqual([]);
    expect(last.log).toEqual(["in ffff 1", "out fffe 1 11", "out ffff 1 22"]);
  });

  it("of no width or no port answer ones and reach nobody", () => {
    const list = new VmmIoPortList();
    const port = new RecordingPort();
    list.addHandler(at(0, 0xffff), port, IoPortType.Addr);
    list.emulateIn(0x10, 1);
    for (const size of [0, 3, 8, -1, Number.NaN]) {
      expect(list.emulateIn(0x10, size)).toBe(0xffff_ffff);
      list.emulateOut(0x10, size, 1);
    }
    for (const nowhere of [-1, 0x10000, Number.NaN]) {
      expect(list.emulateIn(nowhere, 1)).toBe(0xff);
      list.emulateOut(nowhere, 1, 1);
    }
    expect(port.log).toEqual(["in 10 1"]);
    expect(list.counters).toEqual({ unclaimedReads: 8, unclaimedWrites: 8 });
  });

  it("cut what a handler answers to the width, unsigned", () => {
    const list = new VmmIoPortList();
    list.addHandler(at(0, 7), { portIn: () => -2, portOut: () => {}, desc: "signed" }, IoPortType.Addr);
    expect([1, 2, 4].map((size) => list.emulateIn(0, size))).toEqual([0xfe, 0xfffe, 0xffff_fffe]);
  });

  it("go through emulateIo in either direction", () => {
    const list = new VmmIoPortList();
    const port = new RecordingPort();
    list.addHandler(at(0x20, 0x21), port, IoPortType.Addr);
    expect(list.emulateIo(0x20, true, 1)).toBe(byteOf(0x20));
    expect(list.emulateIo(0x20, false, 2, 0x1234)).toBe(0);
    expect(port.log).toEqual(["in 20 1", "out 20 2 1234"]);
  });

  it("do not reach the last handler hit once it is gone", () => {
    const list = new VmmIoPortList();
    const entry = list.addHandler(at(0x20, 0x27), new RecordingPort(), IoPortType.Addr);
    expect(list.emulateIn(0x20, 1)).toBe(byteOf(0x20));
    list.moveHandler(entry, 0x30);
    expect(list.emulateIn(0x20, 1)).toBe(0xff);
    expect(list.emulateIn(0x30, 1)).toBe(byteOf(0x30));
    list.unmapHandler(entry);
    expect(list.emulateIn(0x30, 1)).toBe(0xff);
    list.mapHandler(entry);
    list.emulateIn(0x30, 1);
    list.removeHandler(entry);
    expect(list.emulateIn(0x30, 1)).toBe(0xff);
  });
});

describe("decoding off and on", () => {
  it("keeps the range of an unmapped entry", () => {
    const list = new VmmIoPortList();
    const log = follow(list);
    const entry = list.addHandler(free(0x20), new RecordingPort("nic"), IoPortType.Free, false);
    expect([entry.mapped, list.find(0xc000)]).toEqual([false, null]);
    expect(list.mapHandler(entry)).toBe(true);
    expect(list.mapHandler(entry)).toBe(true);
    expect(list.find(0xc01f)).toBe(entry);
    list.unmapHandler(entry);
    list.unmapHandler(entry);
    expect([entry.mapped, entry.range, list.find(0xc000)]).toEqual([false, at(0xc000, 0xc01f), null]);
    expect(log).toEqual(["mapped nic c000-c01f", "unmapped nic c000-c01f"]);
  });

  it("moves an unmapped entry without answering", () => {
    const list = new VmmIoPortList();
    const entry = list.addHandler(free(0x20), new RecordingPort(), IoPortType.Free, false);
    expect(list.moveHandler(entry, 0x1000)).toBe(true);
    expect([entry.mapped, entry.range]).toEqual([false, at(0x1000, 0x101f)]);
    expect(list.moveHandler(entry, 0xfff0)).toBe(false);
    expect(entry.range).toEqual(at(0x1000, 0x101f));
  });
});

describe("the guest moves an entry", () => {
  it("to free ports, also overlapping its own", () => {
    const list = new VmmIoPortList();
    const log = follow(list);
    const entry = list.addHandler(at(0x100, 0x11f), new RecordingPort("nic"), IoPortType.Addr);
    expect(list.moveHandler(entry, 0x110)).toBe(true);
    expect(list.mapHandler(entry, 0x200)).toBe(true);
    expect(log).toEqual([
      "mapped nic 100-11f",
      "unmapped nic 100-11f",
      "mapped nic 110-12f",
      "unmapped nic 110-12f",
      "mapped nic 200-21f",
    ]);
  });

  it("onto another's ports: the first keeps them, the other waits until they are free", () => {
    const list = new VmmIoPortList();
    const first = list.addHandler(at(0x100, 0x11f), new RecordingPort("first"), IoPortType.Addr);
    const second = list.addHandler(at(0x200, 0x21f), new RecordingPort("second"), IoPortType.Addr);
    const log = follow(list);
    expect(list.moveHandler(second, 0x110)).toBe(false);
    expect([second.mapped, second.range]).toEqual([false, at(0x110, 0x12f)]);
    expect(list.find(0x110)).toBe(first);
    expect(list.find(0x200)).toBe(null);
    expect(list.moveHandler(first, 0x200)).toBe(true);
    expect(list.find(0x110)).toBe(second);
    const moved = [
      "unmapped second 200-21f",
      "unmapped first 100-11f",
      "mapped second 110-12f",
      "mapped first 200-21f",
    ];
    expect(log).toEqual(moved);
  });

  it("swaps two entries", () => {
    const list = new VmmIoPortList();
    const one = list.addHandler(at(0x100, 0x11f), new RecordingPort(), IoPortType.Addr);
    const two = list.addHandler(at(0x200, 0x21f), new RecordingPort(), IoPortType.Addr);
    list.moveHandler(one, 0x200);
    list.moveHandler(two, 0x100);
    expect([list.find(0x100), list.find(0x200)]).toEqual([two, one]);
  });

  it("away again while it waits, or turns it off", () => {
    const list = new VmmIoPortList();
    const first = list.addHandler(at(0x100, 0x11f), new RecordingPort(), IoPortType.Addr);
    const second = list.addHandler(at(0x200, 0x21f), new RecordingPort(), IoPortType.Addr);
    list.moveHandler(second, 0x100);
    expect(list.moveHandler(second, 0x300)).toBe(true);
    expect(list.find(0x300)).toBe(second);
    list.moveHandler(second, 0x100);
    list.unmapHandler(second);
    list.removeHandler(first);
    expect(list.find(0x100)).toBe(null);
  });

  it("to ports that do not exist: it stops answering and keeps its range", () => {
    const list = new VmmIoPortList();
    const entry = list.addHandler(at(0x100, 0x11f), new RecordingPort(), IoPortType.Addr);
    for (const nowhere of [0xffe1, 0x10000, -1, 0.5, Number.NaN, 0xffff_ffe0]) {
      list.mapHandler(entry, 0x100);
      expect(list.moveHandler(entry, nowhere)).toBe(false);
      expect([entry.mapped, entry.range, list.find(0x100)]).toEqual([false, at(0x100, 0x11f), null]);
    }
    expect(list.mapHandler(entry, 0xffe0)).toBe(true);
  });
});

describe("onChange", () => {
  it("tells several listeners, each until it is stopped", () => {
    const list = new VmmIoPortList();
    const kept: string[] = [];
    const stopped: string[] = [];
    list.onChange(({ kind }) => kept.push(kind));
    const stop = list.onChange(({ kind }) => stopped.push(kind));
    const entry = list.addHandler(free(4), new RecordingPort(), IoPortType.Free);
    stop();
    stop();
    list.removeHandler(entry);
    expect(kept).toEqual(["mapped", "unmapped"]);
    expect(stopped).toEqual(["mapped"]);
  });

  it("tells after the fact", () => {
    const list = new VmmIoPortList();
    const found: boolean[] = [];
    list.onChange(({ start, entry }) => found.push(list.find(start) === entry && entry.mapped));
    const entry = list.addHandler(free(4), new RecordingPort(), IoPortType.Free);
    list.unmapHandler(entry);
    expect(found).toEqual([true, false]);
  });
});
