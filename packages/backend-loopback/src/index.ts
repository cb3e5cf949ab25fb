/**
 * Frames without a network: a loopback, and a learning hub that joins several cards.
 *
 * ```ts
 * import { Hub } from "@vmmkit/backend-loopback";
 *
 * const hub = new Hub();
 * const backends = [hub.port(), hub.port()];
 * // Each is the backend of one card: the eighth argument of its commonMakeVirtioNet.
 * ```
 *
 * @module
 */
export { type ChannelBackend, type ChannelBackendOptions, channelBackend } from "./channel-backend.ts";
export type { ChannelStats } from "./channel-counters.ts";
export type { Defer } from "./defer.ts";
export { type Doorbell, FrameChannel, type FrameChannelInit, frameChannelMemory } from "./frame-channel.ts";
export {
  Hub,
  type HubChannelPort,
  type HubJoinOptions,
  type HubOptions,
  type HubPort,
  type HubPortOptions,
  type HubStats,
} from "./hub.ts";
export type { LinkOptions } from "./link.ts";
export { type LoopbackBackend, type LoopbackOptions, type LoopbackStats, loopbackBackend } from "./loopback.ts";
export type { DroppedFrames, PortStats } from "./port-counters.ts";
export type { TapDirection, TapListener } from "./tap-list.ts";
