/**
 * A virtio-net PCI card for virtual machine monitors.
 *
 * ```ts
 * const card = commonMakeVirtioNet(vm, pci, ioport, { start: 0, end: 0, size: 32 }, IoPortType.Free, 1, 11, {
 *   ...virtioNetDefaultBackend(),
 *   rawTx: (driver, frame) => send(frame),
 * });
 * ```
 *
 * @module
 */
export {
  ReceiveCounters,
  type ReceiveDrop,
  TransmitCounters,
  type TransmitDrop,
  type VirtioNetCounters,
} from "./counters.ts";
export { virtioNetDefaultBackend } from "./default-backend.ts";
export { commonMakeVirtioNet } from "./make-virtio-net.ts";
export type { VirtioNetFeature, VirtioNetOptions } from "./options.ts";
export type { VirtioNet } from "./virtio-net.ts";
