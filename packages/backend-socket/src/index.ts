/**
 * Frames over sockets.
 *
 * @module
 */
export type { ReconnectOptions } from "./backoff.ts";
export type { SocketStats } from "./counters.ts";
export type { LinkOptions } from "./link.ts";
export { type SocketBackend, type StreamOptions, streamBackend } from "./stream-backend.ts";
