import {
  type DeviceState,
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_CONFIG_S_NEEDS_RESET,
  VIRTIO_F_VERSION_1,
} from "@vmmkit/virtio";
import { hasBit } from "../feature-dependencies.ts";
import type { NetDeviceState, NetQueueState } from "./net-state.ts";

const SEEN = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

/**
 * Where all queues are and go on. What the device has of them goes back to the driver, and those that run go on at once:
 * nothing is in two places.
 */
export function saveQueues(state: DeviceState): (NetQueueState | null)[] {
  return state.queues.map((queue, index) => {
    const { layout, size } = queue;
    if (layout === null) return null;
    const place = { size, descTable: layout.descTable, driverArea: layout.availRing, deviceArea: layout.usedRing };
    const stopped = queue.error !== null;
    if (stopped) return { ...place, base: 0, stopped };
    const base = state.disableQueue(index);
    state.enableQueue(index, place, base);
    return { ...place, base, stopped };
  });
}

/**
 * Brings a device that has been reset to where a driver left it, through the registers that a driver has.
 * @param beforeRunning called when features and queues are there, and the device does not work yet
 * @throws RangeError where the device does not offer the features, or cannot have the queues
 */
export function restoreDevice(device: DeviceState, saved: NetDeviceState, beforeRunning: () => void): void {
  const { featuresLow, featuresHigh, status } = saved;
  const modern = hasBit({ low: featuresLow, high: featuresHigh }, VIRTIO_F_VERSION_1);
  const by = modern ? "modern" : "legacy";
  if ((status & SEEN) !== 0) device.writeStatus(status & SEEN, by);
  device.writeFeatures(0, featuresLow, by);
  if (modern) device.writeFeatures(1, featuresHigh, by);
  if (device.driverFeaturesLow !== featuresLow || device.driverFeaturesHigh !== featuresHigh) {
    throw new RangeError(`"features" are not all on offer: ${hex(featuresHigh)} ${hex(featuresLow)}`);
  }
  const settled = status & VIRTIO_CONFIG_S_FEATURES_OK;
  if (settled !== 0) device.writeStatus(device.status | settled, by);
  if ((device.status & settled) !== settled) throw new RangeError('"features" do not go together');
  for (const [index, queue] of saved.queues.entries()) {
    if (queue === null || queue.stopped) continue;
    const { base, size, descTable, driverArea, deviceArea } = queue;
    if (!device.enableQueue(index, { size, descTable, driverArea, deviceArea }, base)) {
      throw new RangeError(`"queues[${index}]" cannot be: ${size} entries`);
    }
  }
  beforeRunning();
  if ((status & VIRTIO_CONFIG_S_DRIVER_OK) === 0) return;
  device.writeStatus(device.status | VIRTIO_CONFIG_S_DRIVER_OK, by);
  if (!device.running) throw new RangeError(`"status" ${status} cannot be`);
  const broken = saved.queues.some((queue) => queue?.stopped === true);
  if (broken || (status & VIRTIO_CONFIG_S_NEEDS_RESET) !== 0)
    device.needReset("restored with a queue that had stopped");
}

function hex(word: number): string {
  return `0x${word.toString(16)}`;
}
