import { RingError } from "./errors.ts";

/** The buffer ids of a packed ring: which are free, and what the chains of the others are like. */
export class PackedIds {
  /** Chains that are out. */
  outCount = 0;
  readonly #free: Uint16Array;
  #freeCount: number;
  /** By id: slots of its chain, 0 where none is out. */
  readonly #slots: Uint16Array;
  /** By id: the sum of its device-writable bytes. */
  readonly #room: Float64Array;
  /** Ids in the order in which they were given out: a ring. */
  readonly #order: Uint16Array;
  #oldest = 0;

  constructor(size: number) {
    // From the highest down, so that an id is not the slot of its chain.
    this.#free = Uint16Array.from({ length: size }, (_, i) => i);
    this.#freeCount = size;
    this.#slots = new Uint16Array(size);
    this.#room = new Float64Array(size);
    this.#order = new Uint16Array(size);
  }

  /** The id that the next chain gets. There is one: no chain takes less than a slot. */
  get next(): number {
    return this.#free[this.#freeCount - 1] as number;
  }

  /** Gives `next` to a chain. */
  take(slots: number, writableBytes: number): void {
    const id = this.next;
    this.#freeCount--;
    this.#slots[id] = slots;
    this.#room[id] = writableBytes;
    this.#order[(this.#oldest + this.outCount) % this.#order.length] = id;
    this.outCount++;
  }

  /** The id given out longest ago. Means something only where ids come back in order. */
  get oldest(): number {
    return this.#order[this.#oldest] as number;
  }

  /** Slots of a chain that is out, 0 for an id that is not. */
  slots(id: number): number {
    return this.#slots[id] ?? 0;
  }

  /** Device-writable bytes of a chain that is out. */
  room(id: number): number {
    return this.#room[id] as number;
  }

  /** Takes an id back. @throws RingError where it is not out */
  release(id: number): void {
    if (this.slots(id) === 0) throw new RingError(`buffer id ${id} is not out`);
    this.#slots[id] = 0;
    this.#free[this.#freeCount++] = id;
    this.#oldest = (this.#oldest + 1) % this.#order.length;
    this.outCount--;
  }
}
