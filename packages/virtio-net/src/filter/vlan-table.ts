/** VLAN ids have 12 bits. */
export const VLAN_IDS = 4096;
const WORDS = VLAN_IDS / 32;

/** The VLANs that the guest joined: one bit each. */
export class VlanTable {
  readonly #bits = new Uint32Array(WORDS);

  /** The table as 128 words, a copy. */
  get words(): Uint32Array {
    return this.#bits.slice();
  }

  /** Replaces the table. @param words 128 of them */
  load(words: readonly number[]): void {
    for (let i = 0; i < WORDS; i++) this.#bits[i] = words[i] ?? 0;
  }

  clear(): void {
    this.#bits.fill(0);
  }

  /** @param id below `VLAN_IDS` */
  set(id: number, joined: boolean): void {
    const bit = 1 << (id & 31);
    const word = this.#bits[id >>> 5] ?? 0;
    this.#bits[id >>> 5] = joined ? word | bit : word & ~bit;
  }

  has(id: number): boolean {
    return (((this.#bits[id >>> 5] ?? 0) >>> (id & 31)) & 1) !== 0;
  }
}
