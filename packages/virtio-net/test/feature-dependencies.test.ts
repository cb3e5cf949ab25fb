/* VIRTIO 1.2, 5.1.3.1. */
import {
  VIRTIO_NET_F_CSUM,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_HOST_USO,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_RSS,
} from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FEATURE_DEPENDENCIES,
  type FeatureBits,
  hasBit,
  unmetDependency,
  withoutUnmet,
} from "../src/feature-dependencies.ts";

function bits(...numbers: readonly number[]): FeatureBits {
  let low = 0;
  let high = 0;
  for (const bit of numbers) {
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

describe("5.1.3.1 feature bit requirements", () => {
  it.each(FEATURE_DEPENDENCIES)("bit %i requires one of %j", (feature, oneOf) => {
    expect(unmetDependency(bits(feature, VIRTIO_NET_F_MAC))?.[0]).toBe(feature);
    for (const other of oneOf) {
      const lacking = unmetDependency(bits(feature, other));
      expect(lacking?.[0]).not.toBe(feature);
    }
  });

  it("GUEST_ECN is content with either of TSO4 and TSO6", () => {
    for (const tso of [VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6]) {
      expect(unmetDependency(bits(VIRTIO_NET_F_GUEST_CSUM, tso, VIRTIO_NET_F_GUEST_ECN))).toBeNull();
    }
  });

  it("a chain of requirements falls together where its foundation is missing", () => {
    const left = withoutUnmet(bits(VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_MAC));
    expect(left).toEqual(bits(VIRTIO_NET_F_MAC));
  });

  it("looks at bits above 31 too", () => {
    expect(withoutUnmet(bits(VIRTIO_NET_F_RSS, VIRTIO_NET_F_HOST_USO, VIRTIO_NET_F_CSUM))).toEqual(
      bits(VIRTIO_NET_F_HOST_USO, VIRTIO_NET_F_CSUM),
    );
    expect(withoutUnmet(bits(VIRTIO_NET_F_RSS, VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ))).toEqual(
      bits(VIRTIO_NET_F_RSS, VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ),
    );
  });

  it("whatever a legacy driver writes, what is left is sound and nothing new", () => {
    const word = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(word, word, (low, high) => {
        const left = withoutUnmet({ low, high });
        expect(unmetDependency(left)).toBeNull();
        expect((left.low & ~low) | (left.high & ~high)).toBe(0);
        for (let bit = 0; bit < 64; bit++) {
          const required = FEATURE_DEPENDENCIES.some(([feature]) => feature === bit);
          if (!required) expect(hasBit(left, bit)).toBe(hasBit({ low, high }, bit));
        }
      }),
    );
  });
});
