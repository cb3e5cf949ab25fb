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
    expect(rangesOf(frame)).toEqual([
      { offset: 10, length: 20, gpa: 0x1_0000_100a, hostAddress: 0x7fff_0000_000a },
      { offset: 0, length: 50, gpa: 0, hostAddress: 0 },
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
    expect(rangesOf(frame)).toEqual([{ offset: 1, length: 8, gpa: 0, hostAddress: 0 }]);
    expect(frame.bytes.length).toBe(3);
  });

  it("has room for as many ranges as are added", () => {
    const frame = new Frame();
    const bytes = new Uint8Array(1);
    for (let i = 0; i < 100; i++) frame.push(bytes, 2 ** 32 - 1 - i, i + 1, 2 ** 53 - 1 - i, 2 ** 47 + i);
    const expected = Array.from({ length: 100 }, (_, i) => ({
      offset: 2 ** 32 - 1 - i,
      length: i + 1,
      gpa: 2 ** 53 - 1 - i,
      hostAddress: 2 ** 47 + i,
    }));
    expect(rangesOf(frame)).toEqual(expected);
    expect(frame.totalBytes).toBe(5050);
  });

  it("has one range alone after place, and its offload fields as before", () => {
    const frame = Object.assign(new Frame(), OFFLOADS);
    const bytes = new Uint8Array(9);
    for (let i = 0; i < 3; i++) frame.push(new Uint8Array(4), 0, 4);
    frame.place({ bytes, gpa: 0x1000, hostAddress: 0x2000 }, 1, 8);
    expect(frame).toMatchObject({ rangeCount: 1, totalBytes: 8, ...OFFLOADS });
    expect([frame.firstBytes, frame.firstOffset, frame.firstLength]).toEqual([bytes, 1, 8]);
    expect(frame.bytes[0]).toBe(bytes);
    expect(rangesOf(frame)).toEqual([{ offset: 1, length: 8, gpa: 0x1001, hostAddress: 0x2001 }]);
    expect([frame.firstBytes, frame.firstOffset, frame.firstLength]).toEqual([bytes, 1, 8]);
  });

  it("has its range elsewhere in the same memory after placeAgain, whoever asked for arrays meanwhile", () => {
    const frame = new Frame();
    const bytes = new Uint8Array(9);
    frame.place({ bytes, gpa: 0x1000, hostAddress: 0x2000 }, 1, 8);
    expect(rangesOf(frame)).toEqual([{ offset: 1, length: 8, gpa: 0x1001, hostAddress: 0x2001 }]);
    frame.placeAgain(4, 3);
    expect(frame).toMatchObject({ rangeCount: 1, totalBytes: 3 });
    expect([frame.firstBytes, frame.firstOffset, frame.firstLength]).toEqual([bytes, 4, 3]);
    expect(rangesOf(frame)).toEqual([{ offset: 4, length: 3, gpa: 0x1004, hostAddress: 0x2004 }]);
  });

  it("keeps a range that it was placed in when another is added", () => {
    const frame = new Frame();
    const [a, b] = [new Uint8Array(9), new Uint8Array(9)];
    frame.place({ bytes: a, gpa: 0x1000, hostAddress: 0 }, 1, 8);
    frame.push(b, 2, 3, 0x5000, 0x6000);
    expect(frame).toMatchObject({ rangeCount: 2, totalBytes: 11 });
    expect([frame.firstBytes, frame.firstOffset, frame.firstLength]).toEqual([a, 1, 8]);
    expect(frame.bytes[1]).toBe(b);
    expect(rangesOf(frame)).toEqual([
      { offset: 1, length: 8, gpa: 0x1001, hostAddress: 0 },
      { offset: 2, length: 3, gpa: 0x5000, hostAddress: 0x6000 },
    ]);
  });

  it("has no range where it was placed once it is cleared, and its first range is empty", () => {
    const frame = new Frame();
    frame.place({ bytes: new Uint8Array(9), gpa: 0x1000, hostAddress: 0 }, 1, 8);
    frame.clear();
    expect(frame).toMatchObject({ rangeCount: 0, totalBytes: 0 });
    expect(frame.firstLength).toBe(0);
  });

  it("takes over another frame's offloads and nothing else of it", () => {
    const from = Object.assign(new Frame(), OFFLOADS, { cookie: 7 });
    from.push(new Uint8Array(4), 0, 4);
    const to = new Frame();
    to.copyOffloadsFrom(from);
    expect(to).toMatchObject({ rangeCount: 0, totalBytes: 0, cookie: -1, ...OFFLOADS });
  });
});

/** The ranges that count, without their bytes. */
function rangesOf(frame: Frame) {
  return Array.from({ length: frame.rangeCount }, (_, i) => ({
    offset: frame.offset[i],
    length: frame.length[i],
    gpa: frame.gpa[i],
    hostAddress: frame.hostAddress[i],
  }));
}
