import {
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_RSS,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { Negotiated } from "../src/negotiated.ts";

function negotiated(...features: readonly number[]): Negotiated {
  const own = new Negotiated();
  const word = (from: number): number =>
    features.filter((bit) => bit >= from && bit < from + 32).reduce((sum, bit) => sum + 2 ** (bit - from), 0);
  own.settle(word(0), word(32));
  return own;
}

describe("what was negotiated", () => {
  it("leaves out what lacks a feature that it needs", () => {
    const own = negotiated(VIRTIO_NET_F_MQ, VIRTIO_NET_F_MRG_RXBUF);
    expect([own.has(VIRTIO_NET_F_MQ), own.has(VIRTIO_NET_F_MRG_RXBUF)]).toEqual([false, true]);
  });

  it("has the control queue behind all pairs that the driver knows of (5.1.2)", () => {
    expect(negotiated().controlIndex(4)).toBe(-1);
    expect(negotiated(VIRTIO_NET_F_CTRL_VQ).controlIndex(4)).toBe(2);
    expect(negotiated(VIRTIO_NET_F_CTRL_VQ, VIRTIO_NET_F_MQ).controlIndex(4)).toBe(8);
    expect(negotiated(VIRTIO_NET_F_CTRL_VQ, VIRTIO_NET_F_RSS).controlIndex(4)).toBe(8);
  });

  it("knows of several pairs from the driver, or from who has its control queue", () => {
    const own = negotiated();
    expect(own.several()).toBe(false);
    own.toldOfPairs = true;
    expect(own.several()).toBe(true);
    own.reset();
    expect(own.several()).toBe(false);
  });

  it("gives the header's length (5.1.6)", () => {
    expect(negotiated().headerBytes()).toBe(10);
    expect(negotiated(VIRTIO_NET_F_MRG_RXBUF).headerBytes()).toBe(12);
    expect(negotiated(VIRTIO_F_VERSION_1).headerBytes()).toBe(12);
    expect(negotiated(VIRTIO_F_VERSION_1, VIRTIO_NET_F_HASH_REPORT).headerBytes()).toBe(20);
    const own = negotiated(VIRTIO_NET_F_MRG_RXBUF);
    own.reset();
    expect(own.headerBytes()).toBe(10);
  });
});
