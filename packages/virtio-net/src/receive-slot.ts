import { Frame } from "@vmmkit/ethif";
import type { GuestMemory } from "@vmmkit/vm";
import type { StagedFrame } from "./offload/staged-frame.ts";
import { rebindFrame } from "./rebind.ts";

/** Room for one frame: one chain, or with MRG_RXBUF as many as it takes. */
export class ReceiveSlot {
  /** The room as the backend sees it. */
  readonly frame: Frame = new Frame();
  /** Where the header goes: the start of the first chain. */
  readonly header: Frame = new Frame();
  /** Heads of the chains, in order. */
  readonly heads: number[] = [];
  /** Room for the frame in each chain, in bytes. */
  readonly rooms: number[] = [];
  chainCount = 0;
  /** Room in guest memory, or in `staged`; the frame may have more, which is nobody's. */
  guestBytes = 0;
  /** Ranges in guest memory. */
  guestRanges = 0;
  /** What was handed out, in bytes: `guestBytes`, or what was asked for. */
  roomBytes = 0;
  /** The card's memory, where the frame goes that the guest would not take as it is. */
  staged: StagedFrame | null = null;
  /** The backend has it. */
  out = false;
  /** Which life of the card it belongs to: a reset ends one. */
  epoch = 0;

  constructor(cookie: number, pair: number) {
    this.frame.cookie = cookie;
    this.frame.queue = pair;
  }

  /** Empties the slot for the next frame. */
  take(epoch: number): void {
    this.frame.clear();
    this.header.clear();
    this.chainCount = 0;
    this.out = true;
    this.epoch = epoch;
  }

  /** Guest memory changed. */
  rebind(memory: GuestMemory): void {
    rebindFrame(this.frame, memory, this.guestRanges);
    rebindFrame(this.header, memory);
  }

  /** Tells whoever watches the guest's memory that the header and `lengthBytes` of the frame were written. */
  noteWrites(memory: GuestMemory, lengthBytes: number): void {
    noteRanges(memory, this.header, this.header.rangeCount, this.header.totalBytes);
    noteRanges(memory, this.frame, this.guestRanges, Math.min(lengthBytes, this.guestBytes));
  }
}

/** Tells whoever watches the guest's memory that the first `lengthBytes` bytes of these ranges were written. */
export function noteRanges(memory: GuestMemory, frame: Frame, rangeCount: number, lengthBytes: number): void {
  let left = lengthBytes;
  for (let i = 0; i < rangeCount && left > 0; i++) {
    const count = Math.min(frame.length[i] ?? 0, left);
    memory.noteWrite(frame.gpa[i] ?? 0, count);
    left -= count;
  }
}
