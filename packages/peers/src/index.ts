/**
 * Programs of others that the card is run against, for tests and benchmarks: QEMU with the Linux guest in it, and DPDK's
 * testpmd.
 *
 * @module
 */

export { type PortCounts, portCounts } from "./port-counts.ts";
export { type QemuCard, QemuGuest, type QemuOptions, whyNoQemu } from "./qemu-guest.ts";
export { sharedMemory } from "./shared-memory.ts";
export { Testpmd, type TestpmdOptions, whyNoTestpmd } from "./testpmd.ts";
