import type { V86Cpu } from "./internals.ts";

const PAGE_BITS = 12;

/** Pages noted before they are told: more, and they are told in between. */
const MAX_NOTED = 512;

/**
 * Tells v86's compiler which pages of guest memory a device has written, so that it drops code compiled from them.
 *
 * One call into WebAssembly costs about 60 ns and 45 ns for each further page, several times what a used ring
 * element costs to write. But stale code only matters once the guest runs again. So pages are noted, each once, and
 * told together before that: at the start of a time slice and at the end of an access to a port of ours.
 *
 * `jit_dirty_cache` only takes entries out of tables, so it does not make the memory grow.
 */
export class JitPages {
  readonly #cpu: V86Cpu;
  /** Per page whether it is in `#pages`. */
  readonly #noted: Uint8Array;
  readonly #pages = new Uint32Array(MAX_NOTED);
  #count = 0;
  /** Whether the guest runs: whoever writes now, other than a handler of ours, gets no chance to tell later. */
  #running = false;

  /** @param memoryBytes size of guest RAM */
  constructor(cpu: V86Cpu, memoryBytes: number) {
    this.#cpu = cpu;
    this.#noted = new Uint8Array((memoryBytes >>> PAGE_BITS) + 1);
  }

  /** A device wrote `lengthBytes` at guest physical address `gpa`. */
  note(gpa: number, lengthBytes: number): void {
    if (lengthBytes <= 0) return;
    const last = (gpa + lengthBytes - 1) >>> PAGE_BITS;
    for (let page = gpa >>> PAGE_BITS; page <= last; page++) {
      if (this.#noted[page] !== 0) continue;
      this.#noted[page] = 1;
      this.#pages[this.#count++] = page;
      if (this.#count === MAX_NOTED) this.flush();
    }
    if (this.#running) this.flush();
  }

  /** The guest stops at an access to one of our ports, or its slice is over: it sees no memory before it continues. */
  guestPaused(): void {
    this.#running = false;
  }

  /** The guest runs from here on. */
  guestContinues(): void {
    this.flush();
    this.#running = true;
  }

  /** Tells what was noted, pages that follow each other with one call. */
  flush(): void {
    if (this.#count === 0) return;
    const count = this.#count;
    this.#count = 0;
    for (let i = 0; i < count; ) {
      const first = this.#pages[i] ?? 0;
      let end = first;
      for (; i < count && this.#pages[i] === end; i++) this.#noted[end++] = 0;
      this.#cpu.jit_dirty_cache(first * 2 ** PAGE_BITS, end * 2 ** PAGE_BITS);
    }
  }
}
