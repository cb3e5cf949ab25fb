import { describe, expect, it } from "vitest";
import type { VirtioDevice } from "../src/device.ts";
import { DriverFeatures } from "../src/driver-features.ts";
import { VIRTIO_F_ANY_LAYOUT, VIRTIO_F_VERSION_1 } from "../src/spec.ts";

const ANY_LAYOUT = 2 ** VIRTIO_F_ANY_LAYOUT;
const VERSION_1 = 2 ** (VIRTIO_F_VERSION_1 - 32);

function features(accepts?: (low: number, high: number) => boolean): DriverFeatures {
  const device: VirtioDevice = {
    deviceId: 1,
    featuresLow: 3 | ANY_LAYOUT,
    featuresHigh: VERSION_1 | 4,
    queueSizes: [],
    config: new Uint8Array(0),
    configWrite: () => {},
    ...(accepts !== undefined && { acceptsFeatures: accepts }),
    queueReady: () => {},
    driverOk: () => {},
    notify: () => {},
    reset: () => {},
  };
  return new DriverFeatures(device);
}

describe("features of a driver (2.2)", () => {
  it("are offered as each interface has them (6.3, 4.1.4.10)", () => {
    const own = features();
    expect([0, 1, 2].map((word) => own.offered(word, "modern"))).toEqual([3, VERSION_1 | 4, 0]);
    expect([0, 1, 2].map((word) => own.offered(word, "legacy"))).toEqual([3 | ANY_LAYOUT, 0, 0]);
  });

  it("are what was on offer and taken, in words and bit by bit", () => {
    const own = features();
    own.take(0, 2, "modern");
    own.take(1, VERSION_1, "modern");
    expect([own.word(0), own.word(1), own.word(2)]).toEqual([2, VERSION_1, 0]);
    expect([0, 1, VIRTIO_F_VERSION_1, 34, 64, 65].map((bit) => own.has(bit))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(own.acceptable()).toBe(true);
  });

  it("are not acceptable with one that was not on offer, without VERSION_1, or where the device says so (2.2.2)", () => {
    const greedy = features();
    greedy.take(1, VERSION_1, "modern");
    greedy.take(0, 8, "modern");
    expect([greedy.word(0), greedy.tookTooMuch, greedy.acceptable()]).toEqual([0, true, false]);
    greedy.reset();
    expect([greedy.word(1), greedy.tookTooMuch]).toEqual([0, false]);
    const old = features();
    old.take(0, 1, "modern");
    expect(old.acceptable()).toBe(false);
    const choosy = features((low, high) => low === 1 && high === VERSION_1);
    choosy.take(1, VERSION_1, "modern");
    expect(choosy.acceptable()).toBe(false);
    choosy.take(0, 1, "modern");
    expect(choosy.acceptable()).toBe(true);
  });
});
