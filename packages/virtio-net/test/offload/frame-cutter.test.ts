import { Frame, Offload, readFrame } from "@vmmkit/ethif";
import { makePacket, readPacket } from "@vmmkit/guest-driver";
import { expect, it } from "vitest";
import { FrameCutter } from "../../src/offload/frame-cutter.ts";
import { neededOffloads } from "../../src/offload/needed-offloads.ts";

const LONGEST = 1514;

function frameOf(payloadBytes: number, gsoType: number, gsoSize: number): Frame {
  const { bytes, csumStart, csumOffset } = makePacket({ version: 4, protocol: "tcp", payload: payload(payloadBytes) });
  const frame = new Frame();
  frame.push(bytes, 0, 20);
  frame.push(bytes, 20, bytes.length - 20);
  return Object.assign(frame, { flags: 1, gsoType, gsoSize, csumStart, csumOffset });
}

function payload(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => i * 7);
}

function cut(frame: Frame): Uint8Array[] | null {
  const cutter = new FrameCutter();
  if (!cutter.begin(frame, LONGEST)) return null;
  const pieces: Uint8Array[] = [];
  const piece = new Frame();
  while (cutter.next(piece)) {
    expect([piece.flags, piece.gsoType]).toEqual([0, 0]);
    const bytes = new Uint8Array(piece.totalBytes);
    readFrame(piece, bytes);
    pieces.push(bytes);
  }
  return pieces;
}

it("a long frame becomes segments with checksums, which together are its payload", () => {
  const pieces = cut(frameOf(10_000, 1, 1400)) ?? [];
  expect(pieces.length).toBe(8);
  for (const piece of pieces) expect(readPacket(piece).transportChecksumGood).toBe(true);
  expect(pieces.flatMap((piece) => [...readPacket(piece).payload])).toEqual([...payload(10_000)]);
});

it("an open checksum is filled in", () => {
  const [piece, ...more] = cut(frameOf(100, 0, 0)) ?? [];
  expect([readPacket(piece ?? new Uint8Array()).transportChecksumGood, more]).toEqual([true, []]);
});

it("what is not what it says is refused", () => {
  expect(cut(frameOf(10_000, 1, 0))).toBeNull();
  expect(cut(frameOf(10_000, 0, 0))).toBeNull();
});

it("what a frame needs of whoever gets it", () => {
  expect([neededOffloads(0, 0), neededOffloads(1, 0), neededOffloads(1, 1)]).toEqual([
    0,
    Offload.Csum,
    Offload.Csum | Offload.Tso4,
  ]);
});
