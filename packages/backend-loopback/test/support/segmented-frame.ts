import { Frame } from "@vmmkit/ethif";

/** A broadcast that is still to be segmented. */
export function segmentedFrame(lengthBytes: number): Frame {
  const frame = new Frame();
  frame.push(new Uint8Array(lengthBytes).fill(0xff, 0, 6), 0, lengthBytes);
  return Object.assign(frame, { flags: 1, gsoType: 1, gsoSize: 1448 });
}
