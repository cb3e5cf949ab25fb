/**
 * The rings of a virtio device of ours in somebody else's VMM: a vhost-user back-end. The VMM keeps the device's
 * registers; the rings and the frames are worked on here.
 *
 * ```ts
 * import { Hub } from "@vmmkit/backend-loopback";
 * import { serveVhostUser } from "@vmmkit/vhost-user";
 * import { NetDevice } from "@vmmkit/virtio-net";
 *
 * const hub = new Hub();
 * // qemu-system-x86_64 … -chardev socket,id=c,path=/run/net.sock -netdev vhost-user,id=n,chardev=c
 * const backend = serveVhostUser({
 *   listen: "/run/net.sock",
 *   makeDevice: (vm, hooks) => new NetDevice(vm, hub.port(), hooks),
 * });
 * ```
 *
 * @module
 */
export { serveVhostUser, type VhostUserBackend, type VhostUserCounters, type VhostUserOptions } from "./backend.ts";
export type { BackendModule, DeviceSetup } from "./process/messages.ts";
export { type ServedProcess, type ServeInProcessOptions, serveInProcess } from "./process/serve-in-process.ts";
export type { VhostUserDevice, VhostUserHooks } from "./served-device.ts";
