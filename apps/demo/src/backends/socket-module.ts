import { type StreamOptions, streamBackend } from "@vmmkit/backend-socket";
import type { GuestBackend } from "@vmmkit/linux-guest";
import { type CaptureData, captured } from "./captured.ts";

/** What a guest's socket is made from. It can be cloned. */
export interface SocketData {
  readonly stream: Pick<StreamOptions, "connect" | "listen" | "mtu">;
}

/** Opens a socket in the guest's own thread. */
export function openBackend(data: unknown): GuestBackend {
  const { stream, ...capture } = data as SocketData & CaptureData;
  return captured(streamBackend(stream), capture);
}
