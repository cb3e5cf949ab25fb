/**
 * Guest physical memory and the interrupt contract: what a virtual machine monitor provides to a device.
 *
 * ```ts
 * const ram = new SharedArrayBuffer(64 << 20);
 * const vm: Vm = {
 *   memory: new GuestMemory([{ gpa: 0, size: ram.byteLength, buffer: ram }]),
 *   interrupts: { setLine: (line, level) => pic.setLine(line, level) },
 * };
 * ```
 *
 * @module
 */
export { DetachedRegionError, MemoryLayoutError, UnsupportedHostError } from "./errors.ts";
export { GuestMemory, type WriteObserver } from "./guest-memory.ts";
export { type InterruptController, SharedInterruptLines } from "./interrupts.ts";
export { MemoryRegion, type RegionBytes, type RegionInit } from "./region.ts";
export type { Vm } from "./vm.ts";
