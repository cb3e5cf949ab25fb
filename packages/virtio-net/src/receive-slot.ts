import { Frame } from "@vmmkit/ethif";
import type { PlainChains } from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";
import type { StagedFrame } from "./offload/staged-frame.ts";
import { rebindFrame } from "./rebind.ts";
import { TakenChains } from "./taken-chains.ts";

const NO_BYTES = new Uint8Array(0);

/** Room for one frame: one chain, or with MRG_RXBUF as many as it takes. */
export class ReceiveSlot {
  /** The room as the backend sees it. */
  readonly frame: Frame = new Frame();
  /** Where the header goes if it is one range of a chain that the queue had looked at; `header` tells otherwise. */
  headerBytes: Uint8Array = NO_BYTES;
  headerAt = 0;
  #headerGpa = 0;
  /** Its length; 0 where `header` tells of it. */
  headerLength = 0;
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
  /** The backend has it. */
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
    if (this.headerLength > 0) {
      this.#header.pushAlone(this.headerBytes, this.headerAt, this.headerLength, this.#headerGpa, 0);
      this.headerLength = 0;
    }
    return this.#header;
  }

  /** It has no room. */
  clear(): void {
    this.frame.clear();
    this.headerLength = 0;
    this.#header?.clear();
    this.chains.clear();
  }

  /** Empties the slot for the next frame. */
  take(epoch: number): void {
    this.clear();
    this.out = true;
    this.epoch = epoch;
  }

  /**
   * The same, and it has one chain, which the queue has looked at.
   * @param index its number in `ahead`
   * @param head the name under which it was taken
   */
  takePlain(epoch: number, ahead: PlainChains, index: number, head: number, headerBytes: number): void {
    const { words, bytes, offset, gpa, hostAddress } = ahead;
    const { frame } = this;
    const headAt = words[((index << 2) + 1) | 0] as number;
    const bodyAt = words[((index << 2) + 2) | 0] as number;
    const room = words[((index << 2) + 3) | 0] as number;
    this.out = true;
    this.epoch = epoch;
    this.#placeHeader(ahead, headAt, headerBytes);
    frame.clear();
    frame.pushAlone(bytes, offset + bodyAt, room, gpa + bodyAt, hostAddress === 0 ? 0 : hostAddress + bodyAt);
    this.chains.pushAlone(head, room);
    this.guestBytes = room;
    this.guestRanges = 1;
    this.roomBytes = room;
  }

  /** Adds a chain that the queue has looked at: number `index` in `ahead`, taken under the name `head`. */
  addPlain(ahead: PlainChains, index: number, head: number, headerBytes: number): void {
    const { words, bytes, offset, gpa, hostAddress } = ahead;
    const { frame } = this;
    const headAt = words[((index << 2) + 1) | 0] as number;
    const bodyAt = words[((index << 2) + 2) | 0] as number;
    let room = words[((index << 2) + 3) | 0] as number;
    if (this.chains.count === 0) {
      this.#placeHeader(ahead, headAt, headerBytes);
      frame.pushAlone(bytes, offset + bodyAt, room, gpa + bodyAt, hostAddress === 0 ? 0 : hostAddress + bodyAt);
    } else if (headAt + headerBytes === bodyAt) {
      // Chains behind the first have no header.
      room += headerBytes;
      frame.push(bytes, offset + headAt, room, gpa + headAt, hostAddress === 0 ? 0 : hostAddress + headAt);
    } else {
      frame.push(bytes, offset + headAt, headerBytes, gpa + headAt, hostAddress === 0 ? 0 : hostAddress + headAt);
      frame.push(bytes, offset + bodyAt, room, gpa + bodyAt, hostAddress === 0 ? 0 : hostAddress + bodyAt);
      room += headerBytes;
    }
    this.chains.push(head, room);
  }

  /** The header is at a place in the window of `ahead`. */
  #placeHeader({ bytes, offset, gpa }: PlainChains, headAt: number, headerBytes: number): void {
    // What `#header` has is of no account as long as this is not 0.
    this.headerLength = headerBytes;
    this.headerBytes = bytes;
    this.headerAt = offset + headAt;
    this.#headerGpa = gpa + headAt;
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
