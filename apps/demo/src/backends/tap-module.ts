import { type TapOptions, tapBackend } from "@vmmkit/backend-tap";
import type { GuestBackend } from "@vmmkit/linux-guest";
import { type CaptureData, captured } from "./captured.ts";

/** What a guest's TAP backend is made from. It can be cloned. */
export interface TapData {
  readonly tap: Pick<TapOptions, "name" | "existing" | "bridge" | "mtu">;
}

/** Opens a TAP interface in the guest's own thread, so that frames go from its memory to the kernel. */
export function openBackend(data: unknown): GuestBackend {
  const { tap, ...capture } = data as TapData & CaptureData;
  return captured(tapBackend({ ...tap, vnetHeader: true }), capture);
}
