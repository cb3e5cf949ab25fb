import { Frame } from "@vmmkit/ethif";
import type { GuestMemory } from "@vmmkit/vm";
import { SEGMENT_HEADER_BYTES } from "./offload/segmenter.ts";
import { rebindFrame } from "./rebind.ts";

/** No life of the card's. */
const NO_EPOCH = -1;

/** A frame on its way through a backend: the guest's own, or a segment that the card made of it. */
export class TransmitSlot {
  readonly frame: Frame = new Frame();
  /** Head of the chain that the frame lies in. */
  head = 0;
  /** The backend has it. */
  out = false;
  /** Which life of the card it belongs to: a reset ends one. */
  epoch = 0;
  /** Of a segment: the frame that it is a part of. */
  whole: TransmitSlot | null = null;
  /** Of a frame that is segmented: how many segments are out, and one more while there may be others. */
  pending = 0;
  /** Where a segment's header is. Made for the first one. */
  #header: Uint8Array | null = null;

  constructor(cookie: number, pair: number) {
    this.frame.cookie = cookie;
    this.frame.queue = pair;
  }

  /** Empties the slot for the next frame. */
  take(epoch: number, whole: TransmitSlot | null): void {
    this.frame.clear();
    this.out = true;
    this.epoch = epoch;
    this.whole = whole;
    if (whole !== null) {
      this.pending = 0;
      whole.pending++;
    }
  }

  /** Its backend is gone: whatever is still done with it has no effect. */
  abandon(): void {
    this.frame.clear();
    this.out = false;
    this.epoch = NO_EPOCH;
    // More than there can be segments: it never comes to 0.
    this.pending = Number.MAX_SAFE_INTEGER;
  }

  /** Memory of the card's for the header of a segment, the frame's first range. */
  headerRoom(): Uint8Array {
    this.#header ??= new Uint8Array(SEGMENT_HEADER_BYTES);
    return this.#header;
  }

  /** Guest memory changed. */
  rebind(memory: GuestMemory): void {
    rebindFrame(this.frame, memory, this.frame.rangeCount, this.whole === null ? 0 : 1);
  }
}
