/**
 * Frames over sockets, framed as QEMU frames them: on a stream each behind its length, or a datagram for each. So a
 * card talks to QEMU's guests, to `passt`, and to other cards.
 *
 * ```ts
 * import { streamBackend } from "@vmmkit/backend-socket";
 *
 * // qemu-system-x86_64 … -netdev stream,id=n,server=on,addr.type=unix,addr.path=/run/vm.sock
 * const backend = streamBackend({ connect: { family: "unix", path: "/run/vm.sock" } });
 * await backend.whenUp();
 * // The eighth argument of a commonMakeVirtioNet.
 * ```
 *
 * @module
 */
export type { ReconnectOptions } from "./backoff.ts";
export type { SocketStats } from "./counters.ts";
export { type DatagramOptions, datagramBackend } from "./datagram-backend.ts";
export type { LinkOptions } from "./link.ts";
export type { MulticastOptions } from "./multicast-port.ts";
export type { SocketBackend, WaitOptions } from "./socket-backend.ts";
export { type StreamOptions, streamBackend } from "./stream-backend.ts";
