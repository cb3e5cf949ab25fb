import * as spec from "./spec.ts";

/** What has to be set before: a status bit whose predecessor is missing is not taken (2.1, 3.1.1). */
const ORDER: readonly (readonly [bit: number, after: number])[] = [
  [spec.VIRTIO_CONFIG_S_ACKNOWLEDGE, 0],
  [spec.VIRTIO_CONFIG_S_DRIVER, spec.VIRTIO_CONFIG_S_ACKNOWLEDGE],
  [spec.VIRTIO_CONFIG_S_FEATURES_OK, spec.VIRTIO_CONFIG_S_DRIVER],
  [spec.VIRTIO_CONFIG_S_DRIVER_OK, spec.VIRTIO_CONFIG_S_FEATURES_OK],
  [spec.VIRTIO_CONFIG_S_FAILED, 0],
];

/**
 * The device status after a modern driver wrote it. Each bit is taken only behind the one that has to come before, and
 * FEATURES_OK only where the device can work with the features.
 * @param status as it is
 * @param value what was written, not 0
 */
export function modernStatus(status: number, value: number, featuresAcceptable: () => boolean): number {
  let next = status;
  for (const [bit, after] of ORDER) {
    if ((value & bit) === 0 || (next & bit) !== 0) continue;
    if ((next & after) !== after) continue;
    if (bit === spec.VIRTIO_CONFIG_S_FEATURES_OK && !featuresAcceptable()) continue;
    next |= bit;
  }
  return next;
}
