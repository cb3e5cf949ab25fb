import { describe, expect, it } from "vitest";
import { type LoopOptions, USUAL } from "../src/loops/loop.ts";
import { BareQueue } from "../src/queue/bare-queue.ts";
import { HostFrames } from "../src/queue/host-frames.ts";
import { QUEUE_WORK } from "../src/queue/queue-loops.ts";

const KINDS: readonly Partial<LoopOptions>[] = [
  {},
  { indirect: true },
  { packed: true },
  { packed: true, indirect: true },
];

/** Works through batches, so that rings wrap and chains are looked at ahead, and answers what the last one left. */
function work(name: string, kind: Partial<LoopOptions>): { bare: BareQueue; host: HostFrames } {
  const options = { ...USUAL, ...kind, bytes: 100 };
  const [run, writable] = QUEUE_WORK[name] ?? [];
  if (run === undefined || writable === undefined) throw new Error(`no work of the name ${name}`);
  const bare = new BareQueue(options, writable);
  const host = new HostFrames(bare.batch, options.bytes);
  for (let i = 0; i < bare.batch; i++) (writable ? (host.frames[i] ?? fail()) : bare.payload(i)).fill(i + 1);
  for (let batches = 0; batches < 5; batches++) {
    bare.fill();
    expect(run(bare.queue, host)).toBe(128);
    expect(bare.reap()).toBe(128);
  }
  return { bare, host };
}

function fail(): never {
  throw new Error("there is a frame for each chain");
}

describe.each(KINDS)("the work on a bare queue, with %o", (kind) => {
  it.each(["collectInRuns", "collectByOne"])("%s notes where each payload is", (name) => {
    const { bare, host } = work(name, kind);
    const places = Array.from({ length: bare.batch }, (_, i) => bare.payload(i).byteOffset);
    expect([...host.places]).toEqual(places);
    expect(new Set(host.lengths)).toEqual(new Set([100]));
  });

  it.each(["copyOutInRuns", "copyOutByOne"])("%s copies each payload to the host", (name) => {
    const { host } = work(name, kind);
    for (const [i, frame] of host.frames.entries()) expect(new Set(frame)).toEqual(new Set([i + 1]));
  });

  it.each(["copyInInRuns", "copyInByOne"])("%s copies each frame into its chain", (name) => {
    const { bare } = work(name, kind);
    for (let i = 0; i < bare.batch; i++) expect(new Set(bare.payload(i))).toEqual(new Set([i + 1]));
  });
});
