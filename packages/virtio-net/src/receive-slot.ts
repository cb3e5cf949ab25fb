import { Frame } from "@vmmkit/ethif";
import type { PlainChains } from "@vmmkit/virtio";
import type { GuestMemory, MemoryRegion } from "@vmmkit/vm";
import type { StagedFrame } from "./offload/staged-frame.ts";
import { rebindFrame } from "./rebind.ts";
import { TakenChains } from "./taken-chains.ts";

const NAME = 0xffff;

/** Room for one frame: one chain, or with MRG_RXBUF as many as it takes. */
export class ReceiveSlot {
  /** The room as the backend sees it. */
  readonly frame: Frame = new Frame();
  /** Made when first needed. */
  #header: Frame | null = null;
  readonly chains: TakenChains = new TakenChains();
  /** Room in guest memory, or in `staged`; the frame may have more, which is nobody's. */
  guestBytes = 0;
  /** Ranges in guest memory. */
  guestRanges = 0;
  /** What was handed out, in bytes: `guestBytes`, or what was asked for. */
  roomBytes = 0;
  /** The card's memory, where the frame goes that the guest would not take as it is. */
  staged: StagedFrame | null = null;
  /** The backend has it, and it is not among the `PlainRooms`. */
  out = false;
  /** Which life of the card it belongs to: a reset ends one. */
  epoch = 0;

  constructor(cookie: number, pair: number) {
    this.frame.cookie = cookie;
    this.frame.queue = pair;
  }

  /** Where the header goes: the start of the first chain. */
  get header(): Frame {
    this.#header ??= new Frame();
    return this.#header;
  }

  /** It has no room. */
  clear(): void {
    this.frame.clear();
    this.#header?.clear();
    this.chains.clear();
  }

  /** Empties the slot for the next frame. */
  take(epoch: number): void {
    this.clear();
    this.out = true;
    this.epoch = epoch;
  }

  /** It is out with the room of one chain: `roomBytes` bytes, which its frame has already. Its header is yet to be placed. */
  setPlain(epoch: number, name: number, roomBytes: number): void {
    this.out = true;
    this.epoch = epoch;
    this.chains.clear();
    this.chains.push(name, roomBytes);
    this.guestBytes = roomBytes;
    this.guestRanges = 1;
    this.roomBytes = roomBytes;
  }

  /** Adds a chain that the queue has looked at: number `index` in `ahead`. */
  addPlain({ words, region, offset }: PlainChains, index: number, headerBytes: number): void {
    const { frame } = this;
    const name = (words[index << 2] as number) & NAME;
    const headAt = offset + (words[((index << 2) + 1) | 0] as number);
    const bodyAt = offset + (words[((index << 2) + 2) | 0] as number);
    let room = words[((index << 2) + 3) | 0] as number;
    if (region === null) return;
    if (this.chains.count === 0) {
      this.header.place(region, headAt, headerBytes);
      frame.place(region, bodyAt, room);
    } else if (headAt + headerBytes === bodyAt) {
      // Chains behind the first have no header.
      room += headerBytes;
      pushRange(frame, region, headAt, room);
    } else {
      pushRange(frame, region, headAt, headerBytes);
      pushRange(frame, region, bodyAt, room);
      room += headerBytes;
    }
    this.chains.push(name, room);
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

function pushRange(frame: Frame, { bytes, gpa, hostAddress }: MemoryRegion, at: number, lengthBytes: number): void {
  frame.push(bytes, at, lengthBytes, gpa + at, hostAddress === 0 ? 0 : hostAddress + at);
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
