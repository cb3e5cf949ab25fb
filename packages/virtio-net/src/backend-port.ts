import {
  allocateRxBufs,
  type EthDriver,
  type Frame,
  type LinkInfo,
  type RawIfaceCallbacks,
  type RawIfaceFuncs,
} from "@vmmkit/ethif";
import { checkBackend, checkLink } from "./backend-check.ts";

/** The card's side of a backend: its name and interrupt, and what the backend may call. */
export interface BackendHost {
  readonly name: string;
  raiseIrq(irq: number): void;
  readonly callbacks: RawIfaceCallbacks;
}

/**
 * A backend while it is plugged into a card. Each has a driver and callbacks of its own, so that one that was pulled out
 * cannot touch the card any more: its frames are empty, it gets no room, and what it completes is not looked at.
 */
export class BackendPort {
  /** The card as this backend knows it. */
  readonly driver: EthDriver;
  readonly funcs: RawIfaceFuncs;
  /** What it said of the link. */
  readonly link: LinkInfo;
  #plugged = true;

  /**
   * Tells the backend of its card.
   * @throws TypeError, RangeError for a backend without its functions, or an answer that makes no sense
   */
  constructor(funcs: RawIfaceFuncs, host: BackendHost) {
    checkBackend(funcs);
    this.funcs = funcs;
    this.driver = {
      name: host.name,
      callbacks: this.#guard(host.callbacks),
      funcs,
      ethData: null,
      raiseIrq: (irq) => {
        if (this.#plugged) host.raiseIrq(irq);
      },
    };
    this.link = checkLink(funcs.lowLevelInit(this.driver));
  }

  /** It is pulled out. */
  unplug(): void {
    this.#plugged = false;
  }

  #guard(card: RawIfaceCallbacks): RawIfaceCallbacks {
    return {
      txComplete: (cookie: number): void => {
        if (this.#plugged) card.txComplete(cookie);
      },
      allocateRxBuf: (sizeBytes: number, queue?: number): Frame | null =>
        this.#plugged ? card.allocateRxBuf(sizeBytes, queue) : null,
      allocateRxBufs: (count: number, frames: Frame[], lengths: readonly number[], queue?: number): number =>
        this.#plugged ? allocateRxBufs(card, count, frames, lengths, queue) : 0,
      rxComplete: (count: number, frames: readonly Frame[], lengths: readonly number[]): void => {
        if (this.#plugged) card.rxComplete(count, frames, lengths);
      },
      linkChange: (up: boolean): void => {
        if (this.#plugged) card.linkChange(up);
      },
    };
  }
}
