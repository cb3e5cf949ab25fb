import { TxResult } from "@vmmkit/ethif";
import { afterEach, describe, expect, test } from "vitest";
import { eventually, frame, framed, Wire } from "./support/wire.ts";

/** As small as Linux makes a send buffer: some thousands of bytes. */
const SMALL = 1;

const wires: Wire[] = [];

function wire(...parameters: ConstructorParameters<typeof Wire>): Wire {
  const made = new Wire(...parameters);
  wires.push(made);
  return made;
}

afterEach(async () => {
  for (const { backend, card, far } of wires.splice(0)) {
    await backend.close();
    far.close();
    expect([card.lent, card.roomsOut]).toEqual([0, 0]);
    card.verify();
  }
});

describe("frames into a stream", () => {
  test("stand behind their length, and go back to the guest as soon as they are in", async () => {
    const it = wire();
    expect(it.send(frame(0, 14))).toBe(TxResult.Enqueued);
    expect(it.send(frame(1, 1514), [1, 13, 700, 1])).toBe(TxResult.Enqueued);
    expect(it.card.lent).toBe(0);
    const expected = framed(frame(0, 14), frame(1, 1514));
    expect(await it.read(expected.length)).toEqual(expected);
  });

  test("of one batch go with one flush, and not before", async () => {
    const it = wire();
    for (let i = 0; i < 10; i++) it.card.transmit(frame(i));
    expect(it.card.lent).toBe(10);
    expect(it.pending().length).toBe(0);
    it.card.flush();
    expect(it.card.lent).toBe(0);
    expect(it.pending().length).toBe(640);
  });

  test("do not wait for a flush for ever where there are many", async () => {
    const it = wire();
    for (let i = 0; i < 65; i++) it.card.transmit(frame(i));
    expect(it.card.lent).toBe(1);
  });

  test("that the socket takes in part follow in order, whatever it takes", async () => {
    const it = wire({ queueFrames: 200 }, 0, SMALL);
    const frames = Array.from({ length: 150 }, (_, i) => frame(i, 60 + ((i * 97) % 1454)));
    for (const bytes of frames) expect(it.send(bytes, [bytes.length % 50, 3])).toBe(TxResult.Enqueued);
    expect(it.card.lent).toBeGreaterThan(100);
    expect(it.backend.stats().blocked).toBe(1);
    const expected = framed(...frames);
    expect(Buffer.compare(await it.read(expected.length), expected)).toBe(0);
    await eventually(() => it.card.lent === 0);
    expect(it.backend.stats()).toMatchObject({ framesOut: 150 });
  });

  test("longer than the socket's buffer go through", async () => {
    const it = wire({ mtu: 65_000 }, 0, SMALL);
    const long = frame(0, 65_000);
    it.send(long, [1000, 1000]);
    it.send(frame(1));
    const expected = framed(long, frame(1));
    expect(Buffer.compare(await it.read(expected.length), expected)).toBe(0);
  });

  test("in more ranges than one system call takes go through", async () => {
    const it = wire();
    const bytes = frame(0, 1500);
    it.send(bytes, new Array<number>(1499).fill(1));
    it.send(frame(1));
    const expected = framed(bytes, frame(1));
    expect(await it.read(expected.length)).toEqual(expected);
  });

  test("beyond queueFrames are refused and counted", async () => {
    const it = wire({ queueFrames: 4 }, 0, SMALL);
    const results = Array.from({ length: 100 }, (_, i) => it.send(frame(i, 1514)));
    const refused = results.filter((result) => result === TxResult.Failed).length;
    expect(refused).toBeGreaterThan(50);
    expect(it.card.lent).toBe(4);
    expect(it.backend.stats().dropped.noSpace).toBe(refused);
    expect(results.indexOf(TxResult.Failed)).toBe(100 - refused);
  });

  test("that a reset took back in the middle end in zeros, and the next is whole", async () => {
    const it = wire({ mtu: 9000 }, 0, SMALL);
    const count = fillUp(it, 9014);
    const sent = it.backend.stats().framesOut;
    it.card.reset();
    it.send(frame(1000));
    await eventually(() => {
      it.pending();
      return it.card.lent === 0;
    });
    const all = it.pending();
    const whole = framed(...numbered(sent, 9014));
    expect(Buffer.compare(all.subarray(0, whole.length), whole)).toBe(0);
    // The one that was under way: its start, zeros for the rest, and then at once the next frame.
    const cut = all.subarray(whole.length, whole.length + 9018);
    const original = framed(frame(sent, 9014));
    const same = cut.findIndex((byte, at) => byte !== original[at]);
    expect(same).toBeGreaterThan(0);
    expect(cut.subarray(same).every((byte) => byte === 0)).toBe(true);
    expect(all.subarray(whole.length + 9018)).toEqual(framed(frame(1000)));
    expect(it.backend.stats()).toMatchObject({ framesOut: sent + 2, dropped: { reset: count - sent - 1 } });
  });

  test("go back to the guest when the connection ends", async () => {
    const it = wire({}, 0, SMALL);
    const count = fillUp(it, 1514);
    const sent = it.backend.stats().framesOut;
    it.far.close();
    await eventually(() => it.card.linkChanges.length > 0);
    expect([it.card.linkChanges, it.card.lent]).toEqual([[false], 0]);
    expect(it.backend.stats().dropped.linkDown).toBe(count - sent);
    expect(it.send(frame(0))).toBe(TxResult.Failed);
    expect(it.backend.stats().dropped.linkDown).toBe(count - sent + 1);
  });

  test("too short or too long for the link are refused", () => {
    const it = wire({ mtu: 1000 });
    expect(it.send(new Uint8Array(13))).toBe(TxResult.Failed);
    expect(it.send(frame(0, 1019))).toBe(TxResult.Failed);
    expect(it.backend.stats().dropped).toMatchObject({ tooShort: 1, tooLong: 1 });
  });
});

function numbered(count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => frame(i, size));
}

/** Sends frames until the socket has taken a part of one. Answers how many. */
function fillUp(it: Wire, size: number): number {
  let count = 0;
  while (it.card.lent < 3) it.send(frame(count++, size));
  return count;
}
