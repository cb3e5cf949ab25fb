import fc from "fast-check";
import { expect, test } from "vitest";
import { frame, framed, Wire } from "./support/wire.ts";

const sizes = fc.array(fc.integer({ min: 14, max: 1518 }), { minLength: 1, maxLength: 25 });
const cuts = fc.array(fc.integer({ min: 100, max: 5000 }), { minLength: 1, maxLength: 10 });
const room = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("whatever the lengths of frames, the pieces in which they come and the rooms they come into, they come whole", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, cuts, fc.array(room, { minLength: 1, maxLength: 5 }), async (lengths, pieces, rooms) => {
      const it = new Wire({}, 0);
      for (let i = 0; i < lengths.length; i++) it.card.post(1, [...(rooms[i % rooms.length] ?? []), 1600]);
      const frames = lengths.map((size, number) => frame(number, size));
      const bytes = framed(...frames);
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const piece = pieces[i % pieces.length] ?? 1;
        await it.write(bytes.subarray(at, at + piece));
        at += piece;
        if (i % 2 === 0) await turn();
      }
      expect(await it.received(frames.length)).toEqual(frames);
      await it.backend.close();
      it.far.close();
      it.card.verify();
    }),
    { numRuns: 15 },
  );
}, 30_000);

test("whatever the lengths of frames, their ranges and the pieces that the socket takes, they go whole", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, cuts, fc.array(room, { minLength: 1, maxLength: 5 }), async (lengths, pieces, ranges) => {
      const it = new Wire({ queueFrames: 64 }, 0, 1);
      const frames = lengths.map((size, number) => frame(number, size));
      for (const [i, bytes] of frames.entries()) {
        it.card.transmit(bytes, ranges[i % ranges.length]);
        if (i % pieces.length === 0) it.card.flush();
      }
      it.card.flush();
      const expected = framed(...frames);
      for (let at = 0, i = 0; at < expected.length; i++) {
        const piece = Math.min(pieces[i % pieces.length] ?? 1, expected.length - at);
        expect(Buffer.compare(await it.read(piece), expected.subarray(at, at + piece))).toBe(0);
        at += piece;
      }
      await it.backend.close();
      expect(it.backend.stats().framesOut).toBe(frames.length);
      it.far.close();
      it.card.verify();
    }),
    { numRuns: 15 },
  );
}, 30_000);
