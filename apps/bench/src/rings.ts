import { loopbackBackend } from "@vmmkit/backend-loopback";
import type { GuestNetOptions } from "@vmmkit/guest-driver";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { benchMachine } from "./machine.ts";

const BATCH = 128;
const SIZES = [64, 1514];

/** A guest that separates header and data, as Linux does with a legacy card. */
const TWO_DESCRIPTORS: GuestNetOptions = { tx: { headerApart: true } };

/** The loops without a real guest: transmit to nowhere, and the loopback there and back. */
export function ringLoops(): Map<string, () => number> {
  const loops = new Map<string, () => number>();
  for (const size of SIZES) {
    loops.set(`transmit, null backend, ${size} B`, transmitLoop(size, {}));
    loops.set(`transmit, null backend, ${size} B, 2 descriptors`, transmitLoop(size, TWO_DESCRIPTORS));
    loops.set(`loopback, ${size} B`, loopbackLoop(size));
  }
  return loops;
}

function transmitLoop(size: number, guest: GuestNetOptions): () => number {
  const { driver } = benchMachine(virtioNetDefaultBackend(), guest);
  driver.fill(new Uint8Array(size));
  return () => driver.burst(BATCH, size);
}

function loopbackLoop(size: number): () => number {
  const { driver } = benchMachine(loopbackBackend());
  const frame = new Uint8Array(size).fill(0xff, 0, 6);
  driver.fill(frame);
  return () => {
    driver.burst(BATCH, size);
    return driver.reapReceive(BATCH);
  };
}
