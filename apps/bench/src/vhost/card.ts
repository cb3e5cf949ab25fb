import { loopbackBackend } from "@vmmkit/backend-loopback";
import { type RawIfaceFuncs, readFrame, TxResult } from "@vmmkit/ethif";
import type { DeviceSetup } from "@vmmkit/vhost-user";
import { NetDevice, virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { floodBackend } from "./flood-backend.ts";

/** What becomes of frames at our end. */
export interface CardSetup {
  /** Taken and dropped, or copied first; made; or sent back. */
  readonly does: "drop" | "copy" | "flood" | "echo";
  readonly bytes: number;
}

/** The card that testpmd drives: the module of a `serveInProcess`. */
export default function makeDevice({ vm, hooks, data }: DeviceSetup<CardSetup>): NetDevice {
  return new NetDevice(vm, backendFor(data), hooks);
}

function backendFor({ does, bytes }: CardSetup): RawIfaceFuncs {
  if (does === "echo") return loopbackBackend();
  if (does === "flood") return floodBackend(new Uint8Array(bytes).fill(0xff, 0, 6));
  const drop = virtioNetDefaultBackend();
  if (does === "drop") return drop;
  const copy = new Uint8Array(65_536);
  return {
    ...drop,
    rawTx: (_driver, frame) => {
      readFrame(frame, copy);
      return TxResult.Complete;
    },
  };
}
