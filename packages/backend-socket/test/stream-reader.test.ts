import { afterEach, describe, expect, test } from "vitest";
import { eventually, frame, framed, lengthOf, Wire } from "./support/wire.ts";

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

describe("frames from a stream", () => {
  test("come whole when they come byte by byte", async () => {
    const it = wire();
    const frames = [frame(0, 14), frame(1, 77)];
    for (const byte of framed(...frames)) {
      await it.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await it.received(2)).toEqual(frames);
  });

  test("come whole in pieces of any length", async () => {
    const it = wire({}, 300);
    const frames = Array.from({ length: 200 }, (_, i) => frame(i, 14 + ((i * 37) % 1500)));
    const bytes = framed(...frames);
    for (let at = 0, piece = 1; at < bytes.length; at += piece, piece = (piece * 7 + 3) % 4096) {
      await it.write(bytes.subarray(at, at + piece));
      if (piece % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await it.received(200)).toEqual(frames);
  });

  test("come many with one interrupt", async () => {
    const it = wire({}, 64);
    await it.write(framed(...Array.from({ length: 40 }, (_, i) => frame(i))));
    await it.received(40);
    expect(it.card.rxBatches).toBe(1);
  });

  test("lie in the guest's buffers as these are cut", async () => {
    const it = wire({}, 0);
    it.card.post(2, [1, 13, 1, 46, 500]);
    const frames = [frame(0, 60), frame(1, 300)];
    await it.write(framed(...frames));
    expect(await it.received(2)).toEqual(frames);
  });

  test("fill more ranges than one system call takes", async () => {
    const it = wire({}, 0);
    it.card.post(1, new Array<number>(1500).fill(1));
    const long = frame(0, 1400);
    await it.write(framed(long));
    expect(await it.received(1)).toEqual([long]);
  });

  test("that are too short to be any are left out, those of no length too", async () => {
    const it = wire();
    const good = frame(0);
    await it.write(Buffer.concat([lengthOf(0), framed(new Uint8Array(1), new Uint8Array(13)), framed(good)]));
    expect(await it.received(1)).toEqual([good]);
    expect(it.backend.stats().dropped.tooShort).toBe(3);
  });

  test("that are longer than the link carries are left out", async () => {
    const it = wire({ mtu: 1000 });
    const longest = frame(1, 1018);
    await it.write(framed(frame(0, 1019), longest, frame(2, 69_632), frame(3)));
    expect(await it.received(2)).toEqual([longest, frame(3)]);
    expect(it.backend.stats().dropped.tooLong).toBe(2);
  });

  test("wait in the socket while the guest has no room", async () => {
    const it = wire({}, 1);
    const frames = [frame(0), frame(1), frame(2)];
    await it.write(framed(...frames));
    expect(await it.received(1)).toEqual([frame(0)]);
    expect(it.backend.stats()).toMatchObject({ framesIn: 1, starved: 1 });
    it.card.post(2, [1600]);
    expect(await it.received(2)).toEqual(frames.slice(1));
  });

  test("that never fit into the guest's buffers are given up", async () => {
    const it = wire({}, 0);
    it.card.post(3, [100]);
    await it.write(framed(frame(0, 1000), frame(1, 90)));
    expect(await it.received(1)).toEqual([frame(1, 90)]);
    expect(it.backend.stats().dropped.noRoom).toBe(1);
  });

  test("that were half read when the guest reset its card are left out, and no others", async () => {
    const it = wire();
    const bytes = framed(frame(0, 500), frame(1, 500));
    await it.write(bytes.subarray(0, 200));
    await eventually(() => it.card.roomsOut === 1);
    it.card.reset();
    it.card.post(4, [1600]);
    await it.write(bytes.subarray(200));
    expect(await it.received(1)).toEqual([frame(1, 500)]);
    expect(it.backend.stats().dropped.reset).toBe(1);
    expect(it.card.roomsOut).toBe(0);
  });

  test("end with the connection: half a frame is none, and its room goes back", async () => {
    const it = wire();
    const bytes = framed(frame(0), frame(1, 500));
    await it.write(bytes.subarray(0, 200));
    await eventually(() => it.card.roomsOut === 1);
    it.far.close();
    await eventually(() => it.card.linkChanges.length > 0);
    expect(it.card.linkChanges).toEqual([false]);
    expect(await it.received(1)).toEqual([frame(0)]);
    expect(it.card.roomsOut).toBe(0);
    expect(it.backend.stats()).toMatchObject({ linkUp: false, disconnects: 1, corrupt: 0 });
  });

  test.each([69_633, 0x4745_5420, 0xffff_ffff])(
    "whose length claims to be %d are no frames: the line is cut",
    async (claimed) => {
      const it = wire();
      await it.write(Buffer.concat([framed(frame(0)), lengthOf(claimed), new Uint8Array(100)]));
      expect(await it.received(1)).toEqual([frame(0)]);
      await eventually(() => it.card.linkChanges.length > 0);
      expect(it.card.linkChanges).toEqual([false]);
      expect(it.backend.stats()).toMatchObject({ linkUp: false, corrupt: 1, framesIn: 1 });
    },
  );

  test("stop when the backend is closed from within the guest's interrupt", async () => {
    const it = wire({}, 100);
    it.card.onInterrupt = () => void it.backend.close();
    await it.write(framed(...Array.from({ length: 100 }, (_, i) => frame(i))));
    await it.received(64);
    expect(it.backend.stats()).toMatchObject({ framesIn: 64, linkUp: false });
  });
});
