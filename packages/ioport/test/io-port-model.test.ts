import fc from "fast-check";
import { expect, it } from "vitest";
import { type IoPortEntry, IoPortOverlapError, IoPortType, VmmIoPortList } from "../src/index.ts";
import { byteOf, RecordingPort } from "./support/recording-port.ts";

/** The simplest thing that can be right: one cell per port. */
class PortModel {
  readonly cells: (IoPortEntry | null)[] = new Array<IoPortEntry | null>(0x10000).fill(null);

  isFree(start: number, size: number): boolean {
    return this.cells.slice(start, start + size).every((cell) => cell === null);
  }

  set(entry: IoPortEntry): void {
    this.cells.fill(entry, entry.range.start, entry.range.end + 1);
  }

  clear(entry: IoPortEntry): void {
    this.cells.forEach((cell, port) => {
      if (cell === entry) this.cells[port] = null;
    });
  }

  read(port: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++)
      value += ((this.cells[port + i] ?? null) === null ? 0xff : byteOf(port + i)) * 256 ** i;
    return value;
  }
}

// Few ports and many entries, so that most ranges touch.
const start = fc.oneof(fc.integer({ min: 0, max: 0x60 }), fc.integer({ min: 0xffa0, max: 0xffff }));
const size = fc.integer({ min: 1, max: 0x18 });
const which = fc.nat({ max: 1000 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), start, size }),
  fc.record({ kind: fc.constant("remove" as const), which }),
  fc.record({ kind: fc.constant("unmap" as const), which }),
  fc.record({ kind: fc.constant("read" as const), start, width: fc.constantFrom(1, 2, 4) }),
);

it("finds what a table with one cell per port finds, and refuses the same overlaps", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new VmmIoPortList();
      const model = new PortModel();
      const entries: IoPortEntry[] = [];
      for (const each of steps) {
        if (each.kind === "add") {
          const end = Math.min(each.start + each.size - 1, 0xffff);
          const range = { start: each.start, end, size: end - each.start + 1 };
          const add = () => list.addHandler(range, new RecordingPort(), IoPortType.Addr);
          if (model.isFree(range.start, range.size)) {
            const entry = add();
            entries.push(entry);
            model.set(entry);
          } else {
            expect(add).toThrow(IoPortOverlapError);
          }
        } else if (each.kind === "read") {
          expect(list.emulateIn(each.start, each.width)).toBe(model.read(each.start, each.width));
        } else {
          const entry = entries[each.which % Math.max(entries.length, 1)];
          if (entry === undefined) continue;
          model.clear(entry);
          if (each.kind === "unmap") {
            list.unmapHandler(entry);
          } else {
            list.removeHandler(entry);
            entries.splice(entries.indexOf(entry), 1);
          }
        }
      }
      for (let port = 0; port < 0x80; port++) expect(list.find(port)).toBe(model.cells[port]);
      for (let port = 0xffa0; port < 0x10000; port++) expect(list.find(port)).toBe(model.cells[port]);
    }),
    { numRuns: 300 },
  );
});

const move = fc.record({
  which: fc.nat({ max: 5 }),
  act: fc.constantFrom("map" as const, "move" as const, "unmap" as const),
  start: fc.oneof(fc.integer({ min: 0, max: 0x60 }), fc.integer({ min: -4, max: 0x1_0010 })),
});

it("lets listeners follow any moves of the guest, never maps a port twice, and leaves nobody waiting for free ports", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const list = new VmmIoPortList();
      const model = new PortModel();
      const decoding = new Set<IoPortEntry>();
      list.onChange(({ kind, start, end, entry }) => {
        for (let port = start; port <= end; port++) {
          expect(model.cells[port]).toBe(kind === "mapped" ? null : entry);
          model.cells[port] = kind === "mapped" ? entry : null;
        }
      });
      const sizes = [1, 4, 8, 0x10, 0x20, 0x18];
      const entries = sizes.map((bytes) =>
        list.addHandler({ start: 0, end: 0, size: bytes }, new RecordingPort(), IoPortType.Free, false),
      );
      for (const { which, act, start } of moves) {
        const entry = entries[which];
        if (entry === undefined) continue;
        const exists = start >= 0 && start + entry.range.size <= 0x10000;
        if (act === "unmap") {
          list.unmapHandler(entry);
          decoding.delete(entry);
        } else if (act === "map") {
          list.mapHandler(entry, start);
          if (exists) decoding.add(entry);
          else decoding.delete(entry);
        } else {
          list.moveHandler(entry, start);
          if (!exists) decoding.delete(entry);
        }
        if (exists && act !== "unmap") expect(entry.range.start).toBe(start);
        for (const one of entries) {
          const blocked = !model.isFree(one.range.start, one.range.size);
          if (one.mapped) expect(decoding.has(one)).toBe(true);
          else expect(!decoding.has(one) || blocked).toBe(true);
        }
      }
      for (let port = 0; port < 0x10000; port += 1) {
        if (list.find(port) !== model.cells[port]) expect(list.find(port)).toBe(model.cells[port]);
      }
    }),
    { numRuns: 200 },
  );
});
