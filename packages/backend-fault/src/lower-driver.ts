import type { EthDriver, RawIfaceCallbacks, RawIfaceFuncs } from "@vmmkit/ethif";
import type { UpperCard } from "./upper-card.ts";

/** The card as the wrapped backend sees it: the card itself, with other callbacks. */
export class LowerDriver implements EthDriver {
  readonly callbacks: RawIfaceCallbacks;
  readonly #upper: UpperCard;
  readonly #inner: RawIfaceFuncs;

  constructor(upper: UpperCard, inner: RawIfaceFuncs, callbacks: RawIfaceCallbacks) {
    this.#upper = upper;
    this.#inner = inner;
    this.callbacks = callbacks;
  }

  get name(): string {
    return this.#upper.driver?.name ?? "no card";
  }

  get funcs(): RawIfaceFuncs {
    return this.#upper.driver?.funcs ?? this.#inner;
  }

  get ethData(): unknown {
    return this.#upper.driver?.ethData ?? null;
  }

  set ethData(data: unknown) {
    if (this.#upper.driver !== null) this.#upper.driver.ethData = data;
  }

  raiseIrq(irq: number): void {
    this.#upper.driver?.raiseIrq(irq);
  }
}
