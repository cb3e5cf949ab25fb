import { pcapngWriter, pcapTee } from "@vmmkit/backend-pcap";
import { fileSink } from "@vmmkit/backend-pcap/node";
import { type TapOptions, tapBackend } from "@vmmkit/backend-tap";
import type { GuestBackend } from "@vmmkit/linux-guest";
import { type CaptureRow, SNAP_LENGTH } from "./wire.ts";

/** What a guest's TAP backend is made from. It can be cloned. */
export interface TapData {
  readonly tap: Pick<TapOptions, "name" | "existing" | "bridge" | "mtu">;
  /** Where the frames are captured. */
  readonly capture: string;
  readonly guest: string;
}

/** Opens a TAP interface in the guest's own thread, so that frames go from its memory to the kernel. */
export function openBackend(data: unknown): GuestBackend {
  const { tap, capture, guest } = data as TapData;
  const backend = tapBackend(tap);
  const writer = pcapngWriter({ sink: fileSink(capture), snapLength: SNAP_LENGTH });
  const tee = pcapTee(backend, { writer, interface: { name: guest } });
  return {
    ...tee,
    ask: (): CaptureRow => {
      const { frames, dropped } = writer.stats();
      return { file: capture, frames, dropped: Object.values(dropped).reduce((sum, count) => sum + count, 0) };
    },
    close: async () => {
      await tee.close();
      await writer.close();
    },
  };
}
