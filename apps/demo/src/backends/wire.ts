import type { WriterStats } from "@vmmkit/backend-pcap";
import type { CardedGuest, CardedGuestOptions } from "@vmmkit/linux-guest";
import type { GuestAddress } from "../stations/guest-station.ts";
import type { Station } from "../stations/station.ts";

/** What was captured. */
export interface CaptureRow {
  readonly file: string;
  readonly frames: number;
  readonly dropped: number;
  /** Why it could not be written; null where it could. */
  readonly error: string | null;
}

/** What a capture's writer tells of it, once it is flushed. */
export function captureRow(file: string, { frames, dropped, error }: WriterStats): CaptureRow {
  const reason = error instanceof Error ? error.message : String(error);
  const sum = Object.values(dropped).reduce((total, count) => total + count, 0);
  return { file, frames, dropped: sum, error: error === null ? null : reason };
}

/** What the guests' cards are on. */
export interface Wire {
  /** Starts a guest on it. It boots at once. @param index 0 for the first */
  start(index: number, options: CardedGuestOptions): CardedGuest;
  /** Where a guest is to be on the network. */
  addressOf(index: number): GuestAddress;
  /** Who is there besides the guests. */
  readonly others: readonly Station[];
  /** What was captured. The captures end here. */
  captures(): Promise<readonly CaptureRow[]>;
  /** Ends its guests, and all that it made. A second call does nothing. */
  close(): Promise<void>;
}

/** What a wire is made from. */
export interface WirePlan {
  /** What stands behind the colon of `--backend`; null for none. */
  readonly argument: string | null;
  readonly guests: number;
  /** Names of the guests. */
  readonly names: readonly string[];
  /** Where the frames are captured. */
  readonly capture: string;
}

/** A kind of backend, as `--backend` names it. */
export interface BackendKind {
  /** Its name, and what may stand behind it: `tap[:NAME]`. */
  readonly usage: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** How many guests there can be, and how many there are where nothing is said. */
  readonly guests: { readonly min: number; readonly max: number; readonly usual: number };
  /** Whether it takes an argument. */
  readonly argument: "none" | "optional" | "required";
  /** Makes the wire. Called when the guests' image is there, and before any guest. */
  open(plan: WirePlan): Promise<Wire>;
}

/** Headers and a little more: the data of a bulk transfer would make a file that nobody wants to open. */
export const SNAP_LENGTH = 256;
