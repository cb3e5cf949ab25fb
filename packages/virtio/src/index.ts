/**
 * Virtqueues, device state and the PCI transports of VIRTIO 1.2. A device brings a `VirtioDevice`; `VirtioEmul`
 * makes registers of it.
 *
 * @module
 */
export type { VirtioDevice } from "./device.ts";
export { DeviceState, type DeviceStateHooks } from "./device-state.ts";
export * from "./net-spec.ts";
export { CHAIN_ERRORS, type ChainError, type QueueError } from "./queue/errors.ts";
export { legacyLayout, type SplitLayout } from "./queue/layout.ts";
export { QueueCounters } from "./queue/queue-counters.ts";
export type { RangeList } from "./queue/range-list.ts";
export { SplitQueue } from "./queue/split-queue.ts";
export { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED, type QueueFeatures, type Virtqueue } from "./queue/virtqueue.ts";
export * from "./spec.ts";
export { VirtioEmul } from "./virtio-emul.ts";
