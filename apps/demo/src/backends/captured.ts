import { pcapngWriter, pcapTee } from "@vmmkit/backend-pcap";
import { fileSink } from "@vmmkit/backend-pcap/node";
import type { Backend } from "@vmmkit/ethif";
import type { GuestBackend } from "@vmmkit/linux-guest";
import { type CaptureRow, captureRow, SNAP_LENGTH } from "./wire.ts";

/** Where a guest's frames are captured. It can be cloned. */
export interface CaptureData {
  readonly capture: string;
  /** The guest's name. */
  readonly guest: string;
}

/** A backend in a guest's thread, with a capture of its own that it ends and tells of when asked. Closed, it closes both. */
export function captured(backend: Backend, { capture, guest }: CaptureData): GuestBackend {
  const writer = pcapngWriter({ sink: fileSink(capture), snapLength: SNAP_LENGTH });
  const tee = pcapTee(backend, { writer, interface: { name: guest } });
  return {
    ...tee,
    ask: async (): Promise<CaptureRow> => {
      tee.stopCapture();
      await writer.flush();
      return captureRow(capture, writer.stats());
    },
    close: async () => {
      await tee.close();
      await writer.close();
    },
  };
}
