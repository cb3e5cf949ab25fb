import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";

describe("4.1.4.10 the table of the legacy window", () => {
  it("has its registers one behind the other", () => {
    const table = [
      [spec.VIRTIO_PCI_HOST_FEATURES, 32],
      [spec.VIRTIO_PCI_GUEST_FEATURES, 32],
      [spec.VIRTIO_PCI_QUEUE_PFN, 32],
      [spec.VIRTIO_PCI_QUEUE_NUM, 16],
      [spec.VIRTIO_PCI_QUEUE_SEL, 16],
      [spec.VIRTIO_PCI_QUEUE_NOTIFY, 16],
      [spec.VIRTIO_PCI_STATUS, 8],
      [spec.VIRTIO_PCI_ISR, 8],
    ] as const;
    let next = 0;
    for (const [offset, bits] of table) {
      expect(offset).toBe(next);
      next += bits / 8;
    }
    expect(spec.VIRTIO_PCI_CONFIG_OFF).toBe(next);
  });
});

describe("5.1.4 the configuration of a network device", () => {
  it("has its fields one behind the other", () => {
    expect([
      spec.VIRTIO_NET_CONFIG_MAC,
      spec.VIRTIO_NET_CONFIG_STATUS,
      spec.VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS,
      spec.VIRTIO_NET_CONFIG_MTU,
    ]).toEqual([0, 6, 8, 10]);
  });
});

describe("2.7 structures", () => {
  it("have their sizes", () => {
    expect([spec.VIRTQ_DESC_BYTES, spec.VIRTQ_USED_ELEM_BYTES]).toEqual([8 + 4 + 2 + 2, 4 + 4]);
    expect(spec.VIRTIO_NET_HDR_BYTES).toBe(1 + 1 + 4 * 2);
    expect(spec.VIRTIO_NET_HDR_MRG_BYTES).toBe(spec.VIRTIO_NET_HDR_BYTES + 2);
  });
});

describe("bits", () => {
  it("2.1 of the device status are different from each other", () => {
    const bits = [
      spec.VIRTIO_CONFIG_S_ACKNOWLEDGE,
      spec.VIRTIO_CONFIG_S_DRIVER,
      spec.VIRTIO_CONFIG_S_DRIVER_OK,
      spec.VIRTIO_CONFIG_S_FEATURES_OK,
      spec.VIRTIO_CONFIG_S_NEEDS_RESET,
      spec.VIRTIO_CONFIG_S_FAILED,
    ];
    expect(bits).toEqual([1, 2, 4, 8, 64, 128]);
  });

  it("6 of features are different from each other", () => {
    const bits = Object.entries(spec).flatMap(([name, value]) => (/^VIRTIO_(NET_)?F_/.test(name) ? [value] : []));
    expect(bits.length).toBeGreaterThan(8);
    expect(new Set(bits).size).toBe(bits.length);
  });
});
