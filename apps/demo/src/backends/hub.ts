import type { Hub } from "@vmmkit/backend-loopback";
import { type CaptureWriter, FrameDirection, pcapngWriter, SystemClock } from "@vmmkit/backend-pcap";
import { fileSink } from "@vmmkit/backend-pcap/node";
import { GuestNetwork } from "@vmmkit/linux-guest";
import { type BackendKind, captureRow, SNAP_LENGTH, type Wire, type WirePlan } from "./wire.ts";

const MTU = 1500;

/** A hub in this process. The guests have nobody but each other. */
export const hub: BackendKind = {
  usage: "hub",
  summary: "guests among themselves, in this process",
  guests: { min: 2, max: 16, usual: 2 },
  argument: "none",
  open: async (plan) => openHub(plan),
};

function openHub({ names, capture }: WirePlan): Wire {
  const network = new GuestNetwork(MTU);
  const writer = pcapngWriter({ sink: fileSink(capture), snapLength: SNAP_LENGTH });
  const endCapture = captureHub(network.hub, writer, names);
  let closed: Promise<void> | null = null;
  return {
    start: (_index, options) => network.add(options),
    addressOf: (index) => ({ address: `10.86.0.${index + 1}`, prefixBits: 24, mtu: MTU }),
    others: [],
    captures: async () => {
      // What comes behind is in no report: the file ends with what is told of it.
      endCapture();
      await writer.flush();
      return [captureRow(capture, writer.stats())];
    },
    close: () => {
      closed ??= network.close().then(() => {
        endCapture();
        return writer.close();
      });
      return closed;
    },
  };
}

/** Writes each frame that enters a hub. Once is enough: what one guest sends is what the others get. */
function captureHub(to: Hub, writer: CaptureWriter, names: readonly string[]): () => void {
  const interfaces = new Map(names.map((name) => [name, writer.addInterface({ name })]));
  const clock = new SystemClock();
  return to.tap((frame, length, port, direction) => {
    if (direction !== "in") return;
    clock.read();
    const { seconds, nanoseconds } = clock;
    const interfaceId = interfaces.get(port) ?? 0;
    writer.addFrame(
      { interfaceId, seconds, nanoseconds, lengthBytes: length, direction: FrameDirection.Outbound },
      frame,
    );
  });
}
