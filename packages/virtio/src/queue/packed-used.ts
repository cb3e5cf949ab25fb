import { RING_EVENT_FLAGS_DESC, RING_EVENT_FLAGS_DISABLE, VIRTQ_DESC_BYTES, VIRTQ_DESC_F_WRITE } from "../spec.ts";
import type { PackedAreas } from "./packed-areas.ts";
import type { PackedChainsOut } from "./packed-chains-out.ts";
import { OWNER as OWNER_BITS, WRAP } from "./packed-owner.ts";

// A constant again that is imported: the JIT has a file's own as numbers in its code.
const OWNER = OWNER_BITS;
const DESC_WORDS = VIRTQ_DESC_BYTES / 4;
const WRITE = VIRTQ_DESC_F_WRITE << 16;

/**
 * The device's position in a packed ring: where the next used descriptor goes (VIRTIO 1.2, 2.8.6). Those of a batch are
 * written as they come, but the flags of the first one last: until then the driver sees none of them.
 */
export class PackedUsed {
  /** Slot of the next used descriptor, and what OWNER says there. */
  slot = 0;
  owner: number = OWNER;
  /** Slots published since the driver's wish for interrupts was last looked at; may be more than the ring has. */
  unsignalled = 0;
  readonly #size: number;
  /** The first used descriptor that the guest must not see yet: its slot, -1 for none, and its last word. */
  #hiddenSlot = -1;
  #hiddenWord = 0;
  /** Slots used since the last `publish`. */
  #hiddenSlots = 0;
  /** Where the next used descriptor goes as the guest knows it, counted over two rounds. */
  #published = 0;

  /** @param size entries of the ring */
  constructor(size: number) {
    this.#size = size;
  }

  /** The first descriptor that is not published yet, -1 for none; and how many slots it and those behind it take. */
  get hiddenSlot(): number {
    return this.#hiddenSlot;
  }

  get hiddenSlots(): number {
    return this.#hiddenSlots;
  }

  /** Starts anew at a slot, with this wrap counter. */
  goTo(slot: number, wrap: boolean): void {
    this.slot = slot;
    this.owner = wrap ? OWNER : 0;
    this.#published = wrap ? slot : slot + this.#size;
    this.#hiddenSlot = -1;
    this.#hiddenSlots = 0;
    this.unsignalled = 0;
  }

  /** Writes the used descriptor of a chain, and skips its slots. */
  write({ ring, ringAt }: PackedAreas, bufferId: number, slots: number, lengthBytes: number): void {
    const at = ringAt + DESC_WORDS * this.slot;
    const word = bufferId | this.owner | (lengthBytes === 0 ? 0 : WRITE);
    ring[at + 2] = lengthBytes;
    if (this.#hiddenSlot < 0) {
      this.#hiddenSlot = this.slot;
      this.#hiddenWord = word;
    } else {
      ring[at + 3] = word;
    }
    this.#hiddenSlots += slots;
    const next = this.slot + slots;
    if (next < this.#size) {
      this.slot = next;
    } else {
      this.slot = next - this.#size;
      this.owner ^= OWNER;
    }
  }

  /**
   * Writes the used descriptors of many chains, each of length 0.
   * @param chains as `PlainChains.words` has them
   * @param index number of the first chain
   */
  writeRun({ ring, ringAt }: PackedAreas, chains: Int32Array, index: number, count: number): void {
    const start = ringAt | 0;
    const size = this.#size | 0;
    const mask = OWNER | 0;
    let slot = this.slot | 0;
    let owner = this.owner | 0;
    for (let i = 0; i < count; i++) {
      const chain = chains[((index + i) << 2) | 0] as number;
      const word = (chain & 0xffff) | owner;
      const at = (start + (slot << 2)) | 0;
      ring[(at + 2) | 0] = 0;
      if (this.#hiddenSlot < 0) {
        this.#hiddenSlot = slot;
        this.#hiddenWord = word;
      } else {
        ring[(at + 3) | 0] = word;
      }
      const slots = chain >>> 16;
      this.#hiddenSlots += slots;
      slot += slots;
      if (slot >= size) {
        slot -= size;
        owner ^= mask;
      }
    }
    this.slot = slot;
    this.owner = owner;
  }

  /**
   * Releases chains and writes their used descriptors, as long as they come in the order in which they were taken: in one
   * loop, as two cost 2 to 5 % of receive.
   * @param chains as `Virtqueue.useRun` takes them
   * @returns how many these are
   */
  writeTaken({ ring, ringAt }: PackedAreas, out: PackedChainsOut, chains: Int32Array, count: number): number {
    if (!out.inRow) return 0;
    const { chains: taken, ids } = out;
    const start = ringAt | 0;
    const size = this.#size | 0;
    const mask = OWNER | 0;
    const write = WRITE | 0;
    let slot = this.slot | 0;
    let owner = this.owner | 0;
    let hidden = this.#hiddenSlot | 0;
    let total = 0;
    let i = 0;
    for (; i < count; i++) {
      const id = chains[i << 1] as number;
      const slots = (taken[id] as number) >>> 16;
      if (ids[slot] !== id || slots === 0) break;
      taken[id] = 0;
      const lengthBytes = (chains[((i << 1) + 1) | 0] as number) | 0;
      const word = id | owner | (lengthBytes === 0 ? 0 : write);
      const at = (start + (slot << 2)) | 0;
      ring[(at + 2) | 0] = lengthBytes;
      if (hidden < 0) {
        hidden = slot;
        this.#hiddenSlot = slot;
        this.#hiddenWord = word;
      } else {
        ring[(at + 3) | 0] = word;
      }
      total += slots;
      slot += slots;
      if (slot >= size) {
        slot -= size;
        owner ^= mask;
      }
    }
    this.slot = slot;
    this.owner = owner;
    this.#hiddenSlots += total;
    out.slots -= total;
    return i;
  }

  /** Shows the guest what was written. There is something. */
  publish(areas: PackedAreas): void {
    // The other descriptors of the batch first: the store is a full fence, so a guest that sees this one sees them.
    Atomics.store(areas.ring, areas.lastWordOf(this.#hiddenSlot), this.#hiddenWord);
    this.unsignalled += this.#hiddenSlots;
    this.#published = (this.#published + this.#hiddenSlots) % (2 * this.#size);
    this.#hiddenSlot = -1;
    this.#hiddenSlots = 0;
  }

  /**
   * Whether the driver wants an interrupt.
   * @param wish its event suppression structure
   * @param fresh slots published since this was last asked
   */
  isWanted(wish: number, fresh: number, eventIdx: boolean): boolean {
    const flags = (wish >>> 16) & 3;
    if (flags !== RING_EVENT_FLAGS_DESC || !eventIdx) return flags !== RING_EVENT_FLAGS_DISABLE;
    const slot = wish & 0x7fff;
    if (slot >= this.#size) return false;
    // How many slots ago the descriptor was used that the driver waits for: interrupt if it is among the fresh ones.
    const ago = this.#published - slot - ((wish & WRAP) !== 0 ? 0 : this.#size);
    return (ago > 0 ? ago : ago + 2 * this.#size) <= fresh;
  }
}
