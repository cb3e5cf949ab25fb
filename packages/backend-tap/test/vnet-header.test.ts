import { Frame } from "@vmmkit/ethif";
import { copyFromAddress } from "@vmmkit/posix";
import { describe, expect, it } from "vitest";
import { VnetHeader } from "../src/vnet-header.ts";

const FIELDS = { flags: 1, gsoType: 0x81, hdrLen: 0x1234, gsoSize: 1448, csumStart: 34, csumOffset: 16 };
const BYTES = [1, 0x81, 0x34, 0x12, 0xa8, 5, 34, 0, 16, 0];

function written(header: VnetHeader): number[] {
  const bytes = new Uint8Array(header.sizeBytes);
  copyFromAddress(header.address, bytes);
  return [...bytes];
}

function frame(fields: Partial<typeof FIELDS>): Frame {
  return Object.assign(new Frame(), fields);
}

describe("5.1.6 the header before a frame", () => {
  it("is a frame's fields, little-endian, and num_buffers is 0", () => {
    const header = new VnetHeader(12);
    header.put(frame(FIELDS));
    expect(written(header)).toEqual([...BYTES, 0, 0]);
    const copy = new Uint8Array(14).fill(0xee);
    header.copyTo(copy);
    expect([...copy]).toEqual([...BYTES, 0, 0, 0xee, 0xee]);
  });

  it("says nothing of the frame before", () => {
    const header = new VnetHeader(10);
    header.put(frame(FIELDS));
    header.put(frame({}));
    expect(written(header)).toEqual(new Array(10).fill(0));
    header.put(frame({ flags: 2 }));
    expect(written(header)).toEqual([2, ...new Array(9).fill(0)]);
  });

  it("nor of one that was read", () => {
    const header = new VnetHeader(10);
    const sent = new VnetHeader(10);
    sent.put(frame(FIELDS));
    header.put(frame(FIELDS));
    header.take(frame({}));
    header.put(frame({}));
    expect(written(header)).toEqual(new Array(10).fill(0));
  });

  it("is given to a frame as it was read", () => {
    const header = new VnetHeader(12);
    header.put(frame(FIELDS));
    const taken = new Frame();
    header.take(taken);
    expect(taken).toMatchObject(FIELDS);
  });
});
