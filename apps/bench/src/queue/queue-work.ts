import type { DeviceQueue } from "@vmmkit/virtio";
import type { HostFrames } from "./host-frames.ts";

/** What a device does to all chains that are available. @returns how many there were */
export type QueueWork = (queue: DeviceQueue, host: HostFrames) => number;
