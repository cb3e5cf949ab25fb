/**
 * Guest physical memory and the interrupt contract: what a virtual machine monitor provides to a device.
 *
 * ```ts
 * import { GuestMemory, SharedInterruptLines, type Vm } from "@vmmkit/vm";
 *
 * const ram = new SharedArrayBuffer(64 << 20);
 * const pic = { setLine: (line: number, level: boolean) => console.log(line, level) };
 * const vm: Vm = {
 *   memory: new GuestMemory([{ gpa: 0, size: ram.byteLength, buffer: ram }]),
 *   interrupts: new SharedInterruptLines(pic).source(),
 * };
 * ```
 *
 * @module
 */
export { DetachedRegionError, MemoryLayoutError, UnsupportedHostError } from "./errors.ts";
export { GuestMemory, type WriteObserver } from "./guest-memory.ts";
export { type InterruptController, SharedInterruptLines } from "./interrupts.ts";
export { MemoryRegion, type RegionBytes, type RegionInit } from "./region.ts";
export { joinRestorations, type Restoration, restore, type Saveable } from "./saveable.ts";
export { stateFlag, stateInteger, stateIntegers, stateList, stateRecord } from "./state-fields.ts";
export type { Vm } from "./vm.ts";
