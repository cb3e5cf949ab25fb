/**
 * A PCI function of ours in somebody else's VMM: a vfio-user server. The package does not know what the function is.
 *
 * ```ts
 * import { deviceEntry, type PciFunction } from "@vmmkit/pci";
 * import { serveVfioUser } from "@vmmkit/vfio-user";
 *
 * // A function without registers; `@vmmkit/virtio-net` makes one that is a network card.
 * const entry = deviceEntry({ vendorId: 0x1af4, deviceId: 0x1100, classCode: 0xff });
 * const device: PciFunction = {
 *   ioRead: (offset, size) => entry.ioRead(offset, size),
 *   ioWrite: (offset, size, value) => entry.ioWrite(offset, size, value),
 *   regions: [null, null, null, null, null, null],
 *   bars: () => [],
 *   reset: () => entry.reset(),
 * };
 * // qemu-system-x86_64 … -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"/run/nic.sock"}}'
 * const server = serveVfioUser({ listen: "/run/nic.sock", makeFunction: () => device });
 * ```
 *
 * @module
 */
export { serveVfioUser, type VfioUserCounters, type VfioUserOptions, type VfioUserServer } from "./server.ts";
