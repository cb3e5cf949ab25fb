import type { GuestMemory } from "@vmmkit/vm";
import { VIRTQ_DESC_BYTES, VIRTQ_DESC_F_NEXT } from "../spec.ts";
import { NO_WORDS } from "./chain-codes.ts";
import type { QueueError } from "./errors.ts";
import { descTableBytes, EVENT_SUPPRESS_BYTES, isPackedAligned, type QueueLayout } from "./layout.ts";
import { OWNER } from "./packed-owner.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const NEXT = VIRTQ_DESC_F_NEXT << 16;
const NO_HALVES = new Uint16Array(0);

/** The three areas of a packed virtqueue: views of them, and where they start in these. */
export class PackedAreas {
  /** The descriptor ring. */
  ring: Uint32Array = NO_WORDS;
  ringAt = 0;
  /** What interrupts the driver wants. */
  driver: Uint32Array = NO_WORDS;
  driverAt = 0;
  /** What notifications the device wants. */
  device: Uint32Array = NO_WORDS;
  deviceAt = 0;
  #size = 0;
  /** The ring again: a half word is a small integer whatever its bits, and `Atomics` makes objects of larger ones. */
  #halves: Uint16Array = NO_HALVES;

  /**
   * Finds the areas in guest memory.
   * @param size entries of the ring
   * @returns what is wrong with them, or null
   */
  bind(memory: GuestMemory, layout: QueueLayout, size: number): QueueError | null {
    if (!isPackedAligned(layout)) return "ringMisaligned";
    const ring = memory.find(layout.descTable, descTableBytes(size));
    const driver = memory.find(layout.availRing, EVENT_SUPPRESS_BYTES);
    const device = memory.find(layout.usedRing, EVENT_SUPPRESS_BYTES);
    if (ring === null || driver === null || device === null || !ring.writable || !device.writable) {
      return "ringOutOfRange";
    }
    this.#size = size;
    this.ring = ring.u32;
    this.#halves = ring.u16;
    this.ringAt = (layout.descTable - ring.gpa) / 4;
    this.driver = driver.u32;
    this.driverAt = (layout.availRing - driver.gpa) / 4;
    this.device = device.u32;
    this.deviceAt = (layout.usedRing - device.gpa) / 4;
    return null;
  }

  /** They are nowhere. */
  unbind(): void {
    this.ring = NO_WORDS;
    this.#halves = NO_HALVES;
    this.driver = NO_WORDS;
    this.device = NO_WORDS;
  }

  /** Index of the last word of a slot: buffer id and flags. */
  lastWordOf(slot: number): number {
    return this.ringAt + DESC_WORDS * slot + 3;
  }

  /**
   * Whether a slot's descriptor is available. This orders a look at its flags before all that is read after it.
   * @param owner what OWNER is where it is
   */
  isAvailable(slot: number, owner: number): boolean {
    return ((Atomics.load(this.#halves, 2 * this.lastWordOf(slot) + 1) << 16) & OWNER) === owner;
  }

  /**
   * How many chains are available.
   * @param slot where the first one would start
   * @param owner what OWNER is there where it is available
   * @param slots how many slots they may have
   */
  countAvailable(slot: number, owner: number, slots: number): number {
    let count = 0;
    let at = slot;
    let wanted = owner;
    for (let left = slots; left > 0 && this.isAvailable(at, wanted); count++) {
      let hasNext = true;
      while (hasNext && left > 0) {
        hasNext = ((this.ring[this.lastWordOf(at)] as number) & NEXT) !== 0;
        left--;
        if (++at === this.#size) {
          at = 0;
          wanted ^= OWNER;
        }
      }
    }
    return count;
  }
}
