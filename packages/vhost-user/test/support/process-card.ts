import { loopbackBackend } from "@vmmkit/backend-loopback";
import { type Frame, type RawIfaceFuncs, readFrame } from "@vmmkit/ethif";
import { NetDevice } from "@vmmkit/virtio-net";
import type { DeviceSetup } from "../../src/index.ts";

/** A frame with this byte ends the process. */
export const DEADLY = 0xdd;

let device: NetDevice | null = null;

/** A card whose frames come back. */
export default function makeDevice({ vm, hooks, data }: DeviceSetup<{ readonly queuePairs: number }>): NetDevice {
  const loopback = loopbackBackend();
  const backend: RawIfaceFuncs = {
    ...loopback,
    rawTx: (driver, frame, cookie) => {
      if (firstByte(frame) === DEADLY) throw new Error("a fault of the back-end's own");
      return loopback.rawTx(driver, frame, cookie);
    },
  };
  device = new NetDevice(vm, backend, hooks, { queuePairs: data.queuePairs });
  return device;
}

/** Frames that the guest sent. */
export function report(): number {
  return device?.counters.transmit.frames ?? -1;
}

function firstByte(frame: Frame): number {
  const bytes = new Uint8Array(frame.totalBytes);
  readFrame(frame, bytes);
  return bytes[0] ?? 0;
}
