/**
 * I/O port ranges and memory-mapped ranges, and the handlers behind them.
 *
 * ```ts
 * import { type IoPortInterface, IoPortType, VmmIoPortList } from "@vmmkit/ioport";
 *
 * const device: IoPortInterface = { portIn: () => 42, portOut: () => {}, desc: "always 42" };
 * const ports = new VmmIoPortList();
 * const entry = ports.addHandler({ start: 0, end: 0, size: 0x20 }, device, IoPortType.Free);
 * const value = ports.emulateIn(entry.range.start, 4); // the guest executes IN
 * ```
 *
 * @module
 */
export {
  IoPortExhaustedError,
  IoPortOverlapError,
  IoPortRangeError,
  MmioRangeError,
  UnknownIoPortEntryError,
  UnknownMmioEntryError,
} from "./errors.ts";
export {
  type IoPortChange,
  type IoPortEntry,
  type IoPortInterface,
  type IoPortRange,
  IoPortType,
} from "./io-port.ts";
export { type IoPortCounters, VmmIoPortList } from "./io-port-list.ts";
export type { MmioChange, MmioEntry, MmioInterface, MmioRange } from "./mmio.ts";
export { type MmioCounters, VmmMmioList } from "./mmio-list.ts";
