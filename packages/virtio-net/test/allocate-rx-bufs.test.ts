/* Room for several frames at once: the same as for one after the other. */
import type { Frame } from "@vmmkit/ethif";
import { VIRTIO_NET_F_MRG_RXBUF } from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRig, type Rig, testFrame } from "./support/rig.ts";

const GUESTS = {
  "one buffer a frame": {},
  "a header apart": { rx: { headerApart: true } },
  "short buffers, merged": { features: [VIRTIO_NET_F_MRG_RXBUF], rx: { bufferBytes: 256 } },
  "few buffers": { rx: { buffers: 5 } },
} as const;

function rigOf(kind: keyof typeof GUESTS): Rig {
  return makeRig({ transport: "modern", guest: { interrupts: "off", ...GUESTS[kind] } });
}

function together(rig: Rig, lengths: readonly number[]): Frame[] {
  const rooms: Frame[] = [];
  const count = rig.backend.driver.callbacks.allocateRxBufs?.(lengths.length, rooms, lengths);
  return rooms.slice(0, count);
}

function oneByOne(rig: Rig, lengths: readonly number[]): Frame[] {
  const rooms: Frame[] = [];
  for (const length of lengths) {
    const room = rig.backend.allocate(length);
    if (room === null) break;
    rooms.push(room);
  }
  return rooms;
}

/** Where a room lies, but for the guest's memory itself. */
function placeOf(room: Frame): unknown {
  const { rangeCount, totalBytes, cookie, queue } = room;
  return { rangeCount, totalBytes, cookie, queue, at: [...room.gpa.subarray(0, rangeCount)] };
}

const steps = fc.array(
  fc.record({
    lengths: fc.array(fc.oneof(fc.integer({ min: 60, max: 1514 }), fc.integer({ min: 1, max: 4000 })), {
      maxLength: 90,
    }),
    link: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
    /** How many of the rooms come back unused. */
    unused: fc.nat(4),
  }),
  { maxLength: 5 },
);

describe.each(Object.keys(GUESTS) as (keyof typeof GUESTS)[])("a card asked for several rooms, %s", (kind) => {
  it("finds the same as for one after the other, and gives the guest the same", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const rigs = [rigOf(kind), rigOf(kind)] as const;
        const asks = [together, oneByOne] as const;
        for (const { lengths, link, unused } of all) {
          const seen = rigs.map((rig, i) => {
            const { callbacks } = rig.backend.driver;
            callbacks.linkChange(link);
            const rooms = (asks[i] ?? together)(rig, lengths);
            const places = rooms.map(placeOf);
            for (const [n, room] of rooms.entries()) {
              if (n < unused) rig.backend.giveBack(room);
              else rig.backend.complete([room, testFrame(lengths[n] ?? 60, n)]);
            }
            return { places, frames: received(rig), polls: rig.backend.polls };
          });
          expect(seen[0]).toEqual(seen[1]);
        }
        expect(rigs[0].card.counters).toEqual(rigs[1].card.counters);
      }),
      { numRuns: 12 },
    );
  });

  it("finds none for a length that no frame has, and those before it are out", () => {
    const rig = rigOf(kind);
    const rooms: Frame[] = [];
    const { callbacks } = rig.backend.driver;
    expect(() => callbacks.allocateRxBufs?.(3, rooms, [60, 0, 60])).toThrow('"sizeBytes" expected');
    expect(() => callbacks.allocateRxBufs?.(3, [], [])).toThrow('"sizeBytes" expected');
    expect(callbacks.allocateRxBufs?.(0, [], [])).toBe(0);
    expect(rooms.length).toBe(1);
    const [room] = rooms;
    if (room === undefined) throw new Error("there is one");
    rig.backend.complete([room, testFrame(60)]);
    expect(received(rig)).toEqual([testFrame(60)]);
  });
});

function received(rig: Rig): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let frame = rig.driver.receive(); frame !== null; frame = rig.driver.receive()) frames.push(frame);
  return frames;
}

describe("a backend that was pulled out", () => {
  it("gets no room", () => {
    const rig = makeRig();
    const { callbacks } = rig.backend.driver;
    const other = makeRig();
    rig.card.setBackend(other.backend.funcs);
    expect(callbacks.allocateRxBufs?.(2, [], [60, 60])).toBe(0);
  });
});
