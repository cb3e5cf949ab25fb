import { describe, expect, it } from "vitest";
import { modernStatus } from "../src/modern-status.ts";
import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE as ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER as DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK as DRIVER_OK,
  VIRTIO_CONFIG_S_FAILED as FAILED,
  VIRTIO_CONFIG_S_FEATURES_OK as FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET as NEEDS_RESET,
} from "../src/spec.ts";

const good = (): boolean => true;
const bad = (): boolean => false;

describe("the status that a modern driver writes (2.1, 3.1.1)", () => {
  it("takes bits in their order, also several at once", () => {
    expect(modernStatus(0, ACKNOWLEDGE, good)).toBe(ACKNOWLEDGE);
    expect(modernStatus(ACKNOWLEDGE, ACKNOWLEDGE | DRIVER, good)).toBe(ACKNOWLEDGE | DRIVER);
    const all = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
    expect(modernStatus(0, all, good)).toBe(all);
  });

  it("takes no bit whose predecessor is missing, and all that are there stay", () => {
    expect(modernStatus(0, DRIVER | DRIVER_OK, good)).toBe(0);
    expect(modernStatus(ACKNOWLEDGE | DRIVER, DRIVER_OK, good)).toBe(ACKNOWLEDGE | DRIVER);
    expect(modernStatus(NEEDS_RESET, FAILED, good)).toBe(NEEDS_RESET | FAILED);
  });

  it("takes FEATURES_OK, and with it DRIVER_OK, only where the features are acceptable", () => {
    const before = ACKNOWLEDGE | DRIVER;
    expect(modernStatus(before, before | FEATURES_OK | DRIVER_OK, bad)).toBe(before);
  });

  it("leaves NEEDS_RESET to the device", () => {
    expect(modernStatus(0, NEEDS_RESET | ACKNOWLEDGE, good)).toBe(ACKNOWLEDGE);
  });
});
