import { faultBackend } from "@vmmkit/backend-fault";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";
import { parseFault } from "../src/fault-spec.ts";

describe("a list of faults", () => {
  it.each([
    ["", { tx: {}, rx: {} }],
    ["drop=0.5,rx.delayMs=20,seed=1", { tx: { drop: 0.5 }, rx: { drop: 0.5, delayMs: 20 }, seed: 1 }],
    ["tx.bytes=1M/64k", { tx: { bytes: { perSecond: 1e6, burst: 64_000 } }, rx: {} }],
    ["rx.frames=1.5k", { tx: {}, rx: { frames: { perSecond: 1500 } } }],
    ["bytes=2G,rx.bytes=off", { tx: { bytes: { perSecond: 2e9 } }, rx: { bytes: null } }],
    ["disconnect=.001,reconnectMs=50", { tx: {}, rx: {}, disconnect: 0.001, reconnectMs: 50 }],
  ])("%j", (text, options) => {
    expect(parseFault(text)).toEqual(options);
  });

  it("each name that the backend has may be said", () => {
    const names =
      "drop,duplicate,corrupt,corruptBits,reorder,reorderFrames,reorderMs,delay,delayMs,jitterMs,queueFrames";
    const text = `${names.replaceAll(/\w+/g, "$&=1")},bytes=1k/1k,frames=9`;
    const settings = faultBackend(virtioNetDefaultBackend(), parseFault(text)).settings();
    expect(Object.keys(settings.tx).every((name) => text.includes(`${name}=`))).toBe(true);
    expect(settings.rx).toMatchObject({ drop: 1, jitterMs: 1, bytes: { perSecond: 1000, burst: 1000 } });
  });

  it.each([
    ["drop", 'expected NAME=VALUE, tx.NAME=VALUE or rx.NAME=VALUE, got "drop"'],
    ["drop=much", 'expected a number, perhaps with k, M or G behind it, got "drop=much"'],
    ["bytes=1M/2M/3M", 'expected PER_SECOND or PER_SECOND/BURST, got "bytes=1M/2M/3M"'],
    ["drop=1/2", 'expected a number, perhaps with k, M or G behind it, got "drop=1/2"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseFault(text)).toThrow(message);
  });
});
