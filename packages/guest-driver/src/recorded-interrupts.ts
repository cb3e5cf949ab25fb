import type { InterruptController } from "@vmmkit/vm";

/** A message-signalled interrupt. */
export interface RecordedMessage {
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly data: number;
}

/** An interrupt controller that only remembers what devices did. */
export class RecordedInterrupts implements InterruptController {
  /** Messages in the order they were signalled. */
  readonly messages: RecordedMessage[] = [];
  readonly #high = new Set<number>();
  readonly #edges = new Map<number, number>();
  readonly #calls = new Map<number, number>();

  setLine(line: number, level: boolean): void {
    this.#calls.set(line, this.calls(line) + 1);
    if (level === this.#high.has(line)) return;
    if (level) {
      this.#high.add(line);
      this.#edges.set(line, this.edges(line) + 1);
    } else {
      this.#high.delete(line);
    }
  }

  signalMessage(addressLow: number, addressHigh: number, data: number): void {
    this.messages.push({ addressLow, addressHigh, data });
  }

  /** Whether a line is high. */
  level(line: number): boolean {
    return this.#high.has(line);
  }

  /** How often a line went from low to high. */
  edges(line: number): number {
    return this.#edges.get(line) ?? 0;
  }

  /** How often a device set a line, to whatever level. */
  calls(line: number): number {
    return this.#calls.get(line) ?? 0;
  }
}
