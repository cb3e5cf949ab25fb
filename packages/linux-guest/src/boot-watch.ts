import type { BootProgress } from "./guest.ts";

/** Instructions to the agent's first word, with an unpacked kernel and the image's command line. */
const EXPECTED_INSTRUCTIONS = 215e6;
/** What a kernel that unpacks itself runs on top. */
const UNPACKING_INSTRUCTIONS = 2_400e6;
/** A boot that runs so much longer than expected has loops in it that are worth compiling. */
const JIT_AFTER = 2;

/** Tells from the console and the processor's instruction counter where one boot is. */
export class BootWatch {
  readonly #expected: number;
  readonly #start: number;
  #phase: BootProgress["phase"] = "firmware";
  #fraction = 0;

  /**
   * @param unpacked whether the kernel needs no unpacking in the guest
   * @param instructions the processor's counter now
   */
  constructor(unpacked: boolean, instructions: number) {
    this.#expected = EXPECTED_INSTRUCTIONS + (unpacked ? 0 : UNPACKING_INSTRUCTIONS);
    this.#start = instructions;
  }

  /** Takes in what the guest wrote to its console. */
  console(text: string): void {
    if (this.#phase === "firmware" && text.length > 0) this.#phase = "kernel";
    if (this.#phase === "kernel" && text.includes("Run /init")) this.#phase = "userspace";
  }

  /** The guest takes commands. */
  ready(): void {
    this.#phase = "ready";
    this.#fraction = 1;
  }

  /** Where the boot is. It never goes back. */
  progress(instructions: number): BootProgress {
    if (this.#phase !== "ready") {
      this.#fraction = Math.max(this.#fraction, Math.min(0.99, this.#ratio(instructions)));
    }
    return { phase: this.#phase, fraction: this.#fraction };
  }

  /** Whether this boot has run far beyond what was expected. */
  isLate(instructions: number): boolean {
    return this.#ratio(instructions) > JIT_AFTER;
  }

  #ratio(instructions: number): number {
    return ((instructions - this.#start) >>> 0) / this.#expected;
  }
}
