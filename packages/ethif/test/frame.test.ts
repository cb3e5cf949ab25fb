import { describe, expect, it } from "vitest";
import { Frame } from "../src/index.ts";

const OFFLOADS = { flags: 1, gsoType: 4, hdrLen: 66, gsoSize: 1448, csumStart: 34, csumOffset: 16 };
const NO_OFFLOADS = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };

describe("a frame", () => {
  it("starts empty, held by nobody, without offloads", () => {
    expect(new Frame()).toMatchObject({ rangeCount: 0, totalBytes: 0, cookie: -1, ...NO_OFFLOADS });
  });

  it("keeps its ranges in order and adds up their lengths", () => {
    const frame = new Frame();
    const [a, b] = [new Uint8Array(100), new Uint8Array(50)];
    frame.push(a, 10, 20, 0x1_0000_100a, 0x7fff_0000_000a);
    frame.push(b, 0, 50);
    expect(frame).toMatchObject({ rangeCount: 2, totalBytes: 70 });
    expect(frame.bytes[0]).toBe(a);
    expect(frame.bytes[1]).toBe(b);
    expect([frame.offset, frame.length]).toEqual([
      [10, 0],
      [20, 50],
    ]);
    expect([frame.gpa, frame.hostAddress]).toEqual([
      [0x1_0000_100a, 0],
      [0x7fff_0000_000a, 0],
    ]);
  });

  it("forgets ranges and offloads when cleared, but not its name", () => {
    const frame = Object.assign(new Frame(), OFFLOADS, { cookie: 7 });
    frame.push(new Uint8Array(4), 0, 4);
    frame.clear();
    expect(frame).toMatchObject({ rangeCount: 0, totalBytes: 0, cookie: 7, ...NO_OFFLOADS });
  });

  it("is used again without growing: ranges of another life lie behind rangeCount", () => {
    const frame = new Frame();
    for (let i = 0; i < 3; i++) frame.push(new Uint8Array(4), 0, 4);
    frame.clear();
    frame.push(new Uint8Array(9), 1, 8);
    expect(frame).toMatchObject({ rangeCount: 1, totalBytes: 8 });
    expect([frame.offset[0], frame.length[0], frame.length.length]).toEqual([1, 8, 3]);
  });

  it("takes over another frame's offloads and nothing else of it", () => {
    const from = Object.assign(new Frame(), OFFLOADS, { cookie: 7 });
    from.push(new Uint8Array(4), 0, 4);
    const to = new Frame();
    to.copyOffloadsFrom(from);
    expect(to).toMatchObject({ rangeCount: 0, totalBytes: 0, cookie: -1, ...OFFLOADS });
  });
});
