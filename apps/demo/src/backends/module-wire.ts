import { basename, dirname, extname, join } from "node:path";
import { type CardedGuest, startCardedGuest } from "@vmmkit/linux-guest";
import type { GuestAddress } from "../stations/guest-station.ts";
import type { Station } from "../stations/station.ts";
import type { CaptureData } from "./captured.ts";
import type { CaptureRow, Wire } from "./wire.ts";

/** What a wire is made of whose guests have their backends in their own threads. */
export interface ModuleWire {
  /** Exports `openBackend`, and captures as `captured` does. */
  readonly module: URL;
  /** Where the first guest's frames are captured; the others' files have a number. */
  readonly capture: string;
  readonly others: readonly Station[];
  /** What `openBackend` gets of a guest, its capture left aside. */
  dataOf(index: number): object;
  addressOf(index: number): GuestAddress;
  /** Called once, when the guests are gone. */
  end?(): Promise<void>;
}

/** Makes such a wire. */
export function moduleWire({ module, capture, others, dataOf, addressOf, end }: ModuleWire): Wire {
  const guests: CardedGuest[] = [];
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await Promise.all(others.map((other) => other.close()));
    await Promise.all(guests.map((guest) => guest.destroy()));
    await end?.();
  };
  return {
    start(index, options) {
      const data: CaptureData = { ...dataOf(index), capture: captureOf(capture, index), guest: options.name };
      const guest = startCardedGuest(options, module, data);
      guests.push(guest);
      return guest;
    },
    addressOf,
    others,
    captures: () => Promise.all(guests.map(async (guest) => (await guest.askBackend("capture")) as CaptureRow)),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Each guest's thread writes a file of its own: demo.pcapng, demo-2.pcapng. */
function captureOf(path: string, index: number): string {
  if (index === 0) return path;
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}-${index + 1}${extension}`);
}
