/** Entries that an address may lie in. Its place among them is searched one by one. */
const WAYS = 4;

/**
 * Which station was heard at which port. Of fixed size, in typed arrays, so a guest that invents addresses cannot
 * make it grow; and where a new address needs the place of another, the port that holds most entries gives way, so
 * it cannot push out its neighbours' either.
 *
 * An address is two numbers: its first two bytes (`high`) and its last four (`low`, signed: small integers to the
 * engine, so nothing is allocated for them). Entries age with the number of
 * frames learned from, not with time: no clock is needed, and an idle hub forgets nothing.
 */
export class MacTable {
  readonly #ageFrames: number;
  readonly #bucketMask: number;
  readonly #seed: number;
  readonly #high: Uint16Array;
  readonly #low: Int32Array;
  /** Port number + 1; 0 marks a free entry. */
  readonly #port: Uint16Array;
  readonly #heardAt: Float64Array;
  /** Entries of each port. */
  readonly #held: Uint32Array = new Uint32Array(0x1_0000);
  #clock = 0;

  /**
   * @param entries a power of two, at least 4
   * @param ageFrames how many frames after the last one from it a station is forgotten
   * @param seed keeps guests from working out which addresses share places
   */
  constructor(entries: number, ageFrames: number, seed: number = Math.floor(Math.random() * 0x1_0000_0000)) {
    this.#ageFrames = ageFrames;
    this.#bucketMask = entries / WAYS - 1;
    this.#seed = seed;
    this.#high = new Uint16Array(entries);
    this.#low = new Int32Array(entries);
    this.#port = new Uint16Array(entries);
    this.#heardAt = new Float64Array(entries);
  }

  /** How many stations are known at a port, those too old included. */
  held(port: number): number {
    return this.#held[port + 1] ?? 0;
  }

  /** Notes that a station was heard at a port (0 to 65534). */
  learn(high: number, low: number, port: number): void {
    this.#clock++;
    const first = this.#bucket(high, low);
    const known = this.#find(first, high, low);
    const at = known >= 0 ? known : this.#placeFor(first, port + 1);
    if (at < 0) return;
    this.#give(at, port + 1);
    this.#high[at] = high;
    this.#low[at] = low;
    this.#heardAt[at] = this.#clock;
  }

  /** The port where a station was heard last, or -1. */
  lookup(high: number, low: number): number {
    const at = this.#find(this.#bucket(high, low), high, low);
    return at < 0 || this.#stale(at) ? -1 : (this.#port[at] ?? 0) - 1;
  }

  /** Forgets all stations of a port. */
  forget(port: number): void {
    for (let at = 0; at < this.#port.length; at++) {
      if (this.#port[at] === port + 1) this.#give(at, 0);
    }
  }

  #bucket(high: number, low: number): number {
    let hash = Math.imul(low ^ this.#seed, 0x9e37_79b1) ^ Math.imul(high + this.#seed, 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
    return ((hash ^ (hash >>> 13)) & this.#bucketMask) * WAYS;
  }

  #find(first: number, high: number, low: number): number {
    for (let at = first; at < first + WAYS; at++) {
      if (this.#low[at] === low && this.#high[at] === high && this.#port[at] !== 0) return at;
    }
    return -1;
  }

  /** A free or outdated place; else that of the port with most entries; -1 where that is the asking port elsewhere. */
  #placeFor(first: number, owner: number): number {
    let victim = first;
    let most = -1;
    for (let at = first; at < first + WAYS; at++) {
      if (this.#port[at] === 0 || this.#stale(at)) return at;
      const held = this.#held[this.#port[at] ?? 0] ?? 0;
      const older = (this.#heardAt[at] ?? 0) < (this.#heardAt[victim] ?? 0);
      if (held > most || (held === most && older)) {
        victim = at;
        most = held;
      }
    }
    return (this.#held[owner] ?? 0) > most ? -1 : victim;
  }

  #stale(at: number): boolean {
    return this.#clock - (this.#heardAt[at] ?? 0) > this.#ageFrames;
  }

  #give(at: number, owner: number): void {
    const before = this.#port[at] ?? 0;
    if (before === owner) return;
    if (before !== 0) this.#held[before] = (this.#held[before] ?? 0) - 1;
    if (owner !== 0) this.#held[owner] = (this.#held[owner] ?? 0) + 1;
    this.#port[at] = owner;
  }
}
