/**
 * A virtio-net PCI card for virtual machine monitors.
 *
 * ```ts
 * import { TxResult } from "@vmmkit/ethif";
 * import { IoPortType, VmmIoPortList } from "@vmmkit/ioport";
 * import { VmmPciSpace } from "@vmmkit/pci";
 * import { commonMakeVirtioNet, virtioNetDefaultBackend } from "@vmmkit/virtio-net";
 * import { GuestMemory, type Vm } from "@vmmkit/vm";
 *
 * const memory = new GuestMemory([{ gpa: 0, size: 64 << 20, buffer: new SharedArrayBuffer(64 << 20) }]);
 * const vm: Vm = { memory, interrupts: { setLine: (line, level) => console.log(line, level) } };
 * const ioport = new VmmIoPortList();
 * const range = { start: 0, end: 0, size: 32 };
 * const card = commonMakeVirtioNet(vm, new VmmPciSpace(), ioport, range, IoPortType.Free, 1, 11, {
 *   ...virtioNetDefaultBackend(),
 *   rawTx: (_driver, frame) => {
 *     console.log(`${frame.totalBytes} bytes`);
 *     return TxResult.Complete;
 *   },
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
export { NetDevice, type NetDeviceHooks } from "./net-device.ts";
export { makeVirtioNetFunction, type VirtioNetFunction } from "./net-function.ts";
export { makeVirtioNetMmio, type VirtioNetMmio, type VirtioNetMmioOptions } from "./net-mmio.ts";
export { FrameCutter } from "./offload/frame-cutter.ts";
export { neededOffloads } from "./offload/needed-offloads.ts";
export type {
  NetDeviceOptions,
  VirtioNetExtraFeature,
  VirtioNetFeature,
  VirtioNetFunctionOptions,
  VirtioNetOptions,
  VirtioNetPciOptions,
} from "./options.ts";
export type { HashState, MacTableState, NetDeviceState, RssState } from "./state/net-state.ts";
export type { VirtioNet } from "./virtio-net.ts";
