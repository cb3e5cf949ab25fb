import { EmulatorWord } from "./emulator-word.ts";
import type { V86Cpu } from "./internals.ts";
import type { IsaIrqsState } from "./machine-state.ts";
import { replaceMethod } from "./replace-method.ts";

/** The interrupt inputs of a PC's two 8259 controllers. */
export const ISA_IRQS = 16;

/** EFLAGS.IF: the processor takes interrupts. */
const FLAG_INTERRUPT = 1 << 9;

/**
 * The ISA interrupt lines, shared by v86's devices and ours as by a wire: a line is high as long as one of them
 * drives it. v86 itself keeps one level per line, and whoever of its devices spoke last decides (its ACPI timer
 * lowers line 9 after every slice). So its two functions are hooked, and what v86's devices want is kept apart.
 *
 * Both functions of v86's enter the guest's handler at once where the processor takes interrupts. In the middle of an
 * access to memory the guest's registers and its place in the code are in variables of compiled code, which knows
 * nothing of a handler: it would be entered with old registers and then forgotten, and the interrupt controller would
 * wait for its end for ever. There the processor is told that it takes none, and looks again by itself: at the next
 * STI, POPF, IRET or HLT, or when its slice is over.
 */
export class IsaIrqs {
  readonly #raise: (irq: number) => void;
  readonly #lower: (irq: number) => void;
  /** Per line whether a device of v86's drives it. */
  readonly #theirs: Uint8Array = new Uint8Array(ISA_IRQS);
  /** Per line how many of our PIRQs, or devices wired directly, drive it. */
  readonly #ours: Uint8Array = new Uint8Array(ISA_IRQS);
  readonly #restore: (() => void)[];
  #detached = false;

  /** @param midAccess whether the guest waits in the middle of an access to memory */
  constructor(cpu: V86Cpu, midAccess: () => boolean) {
    const { device_raise_irq: raise, device_lower_irq: lower } = cpu;
    const flags = new EmulatorWord(cpu.wasm_memory, cpu.flags.byteOffset);
    const safely = (change: (irq: number) => void, irq: number): void => {
      if (!midAccess()) {
        change.call(cpu, irq);
        return;
      }
      const before = flags.value;
      flags.value = before & ~FLAG_INTERRUPT;
      try {
        change.call(cpu, irq);
      } finally {
        flags.value |= before & FLAG_INTERRUPT;
      }
    };
    this.#raise = (irq) => safely(raise, irq);
    this.#lower = (irq) => safely(lower, irq);
    this.#restore = [
      replaceMethod(cpu, "device_raise_irq", (irq) => {
        this.#theirs[irq] = 1;
        this.#raise(irq);
      }),
      replaceMethod(cpu, "device_lower_irq", (irq) => {
        this.#theirs[irq] = 0;
        // Outside the table (v86 sends a disabled PIRQ as 0x80) this is undefined, and v86 gets what it asked for.
        if (!this.#ours[irq]) this.#lower(irq);
      }),
    ];
  }

  /** One more of ours drives the line. The guest's handler may be entered at once. */
  assert(irq: number): void {
    // A device may speak on when the emulator is gone.
    if (this.#detached) return;
    this.#ours[irq] = (this.#ours[irq] ?? 0) + 1;
    this.#raise(irq);
  }

  /** One less of ours drives it. */
  release(irq: number): void {
    if (this.#detached) return;
    const left = (this.#ours[irq] ?? 1) - 1;
    this.#ours[irq] = left;
    if (left === 0 && this.#theirs[irq] === 0) this.#lower(irq);
  }

  /**
   * Raises again what ours hold high: the guest loses levels when it initialises its interrupt controllers. Where
   * the level is known already, this changes nothing.
   */
  refresh(): void {
    for (let irq = 0; irq < ISA_IRQS; irq++) if (this.#ours[irq]) this.#raise(irq);
  }

  save(): IsaIrqsState {
    return { ours: [...this.#ours].map((count) => (count > 0 ? 1 : 0)), theirs: [...this.#theirs] };
  }

  /** v86 has another state: its devices drive these lines. */
  setTheirs(theirs: readonly number[]): void {
    this.#theirs.set(theirs);
  }

  /** Lowers lines that v86's restored controllers know as high, as devices of ours drove them, and that nobody drives now. */
  lowerAbandoned(ours: readonly number[]): void {
    for (let irq = 0; irq < ISA_IRQS; irq++) {
      if (ours[irq] && !this.#ours[irq] && !this.#theirs[irq]) this.#lower(irq);
    }
  }

  /** Lets go of all lines and gives the functions back. */
  detach(): void {
    for (let irq = 0; irq < ISA_IRQS; irq++) {
      if (this.#ours[irq] && !this.#theirs[irq]) this.#lower(irq);
      this.#ours[irq] = 0;
    }
    for (const restore of this.#restore) restore();
    this.#detached = true;
  }
}
