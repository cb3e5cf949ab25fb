import type { MemoryRegion } from "@vmmkit/vm";

/** How often each 32-bit word of a region was read through its view: descriptors are read word by word. */
export class WordCounter {
  /** By index of the word. */
  readonly reads = new Map<number, number>();
  total = 0;

  /** Puts itself in place of the region's view. Whoever took the view before is not counted. */
  constructor(region: MemoryRegion) {
    const words = region.u32;
    region.u32 = new Proxy(words, {
      get: (target, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) this.#count(Number(key));
        return Reflect.get(target, key) as unknown;
      },
      set: (target, key, value) => Reflect.set(target, key, value),
    });
  }

  /** Forgets what it counted. */
  clear(): void {
    this.reads.clear();
    this.total = 0;
  }

  #count(index: number): void {
    this.total++;
    this.reads.set(index, (this.reads.get(index) ?? 0) + 1);
  }
}
