/**
 * A PCI function of ours in somebody else's VMM: a vfio-user server. The package does not know what the function is.
 *
 * ```ts
 * import { Hub } from "@vmmkit/backend-loopback";
 * import { serveVfioUser } from "@vmmkit/vfio-user";
 * import { makeVirtioNetFunction } from "@vmmkit/virtio-net";
 *
 * const hub = new Hub();
 * // qemu-system-x86_64 … -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"/run/nic.sock"}}'
 * const server = serveVfioUser({
 *   listen: "/run/nic.sock",
 *   makeFunction: (vm) => makeVirtioNetFunction(vm, hub.port()).function,
 * });
 * ```
 *
 * @module
 */
export { serveVfioUser, type VfioUserCounters, type VfioUserOptions, type VfioUserServer } from "./server.ts";
