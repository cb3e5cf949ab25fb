/**
 * Virtqueues, device state and the legacy PCI transport of VIRTIO 1.2. A device brings a `VirtioDevice`; `VirtioEmul`
 * makes registers of it.
 *
 * ```ts
 * import { DeviceState, VirtioEmul, type VirtioDevice } from "@vmmkit/virtio";
 * import { GuestMemory } from "@vmmkit/vm";
 *
 * const memory = new GuestMemory([{ gpa: 0, size: 1 << 20, buffer: new ArrayBuffer(1 << 20) }]);
 * const device: VirtioDevice = {
 *   deviceId: 4,
 *   featuresLow: 0,
 *   featuresHigh: 0,
 *   queueSizes: [64],
 *   config: new Uint8Array(0),
 *   configWrite: () => {},
 *   queueReady: () => {},
 *   driverOk: () => {},
 *   notify: (queue) => console.log(`${emul.virtq[queue]?.available()} chains wait`),
 *   reset: () => {},
 * };
 * const emul = new VirtioEmul(
 *   new DeviceState(memory, device, {
 *     raiseIrq: (irq) => console.log(`interrupt for queue ${irq}`),
 *     lowerIrq: () => {},
 *     log: (line) => console.log(line),
 *   }),
 * );
 * console.log(emul.ioIn(12, 2)); // a guest reads the queue's size: 64
 * ```
 *
 * @module
 */
export type { VirtioState } from "./check-device-state.ts";
export type { VirtioDevice } from "./device.ts";
export { DeviceState, type DeviceStateHooks, type QueuePlace } from "./device-state.ts";
export type { VirtioInterface } from "./driver-features.ts";
export * from "./net-spec.ts";
export type { DeviceQueue } from "./queue/device-queue.ts";
export { CHAIN_ERRORS, type ChainError, type QueueError } from "./queue/errors.ts";
export { legacyLayout, type QueueLayout } from "./queue/layout.ts";
export { PackedQueue } from "./queue/packed-queue.ts";
export { PlainChains } from "./queue/plain-chains.ts";
export { QueueCounters } from "./queue/queue-counters.ts";
export { type QueueState, QueueStateError, type SavedChain } from "./queue/queue-state.ts";
export type { RangeList } from "./queue/range-list.ts";
export { SplitQueue } from "./queue/split-queue.ts";
export { QUEUE_EMPTY, QUEUE_REFUSED, QUEUE_STOPPED, type QueueFeatures, type Virtqueue } from "./queue/virtqueue.ts";
export * from "./spec.ts";
export { MmioTransport, VIRTIO_MMIO_BYTES, type VirtioMmioState } from "./transport/mmio.ts";
export type { ModernRegistersState } from "./transport/modern-registers.ts";
export type { PciVectorsState } from "./transport/pci-vectors.ts";
export type { QueueRegistersState } from "./transport/queue-registers.ts";
export {
  VirtioPciFunction,
  type VirtioPciKind,
  type VirtioPciOptions,
  type VirtioPciState,
} from "./transport/virtio-pci.ts";
export { VirtioEmul } from "./virtio-emul.ts";
