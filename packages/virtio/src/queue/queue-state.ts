import { QUEUE_ERRORS, type QueueError } from "./errors.ts";
import type { QueueLayout } from "./layout.ts";

/** A chain that is out: taken, and not yet in the used ring. */
export interface SavedChain {
  /** The index of its head, or its buffer id. */
  readonly head: number;
  /** IN_ORDER: it is done, this many bytes were written into it, and it waits for its turn. Otherwise -1. */
  readonly doneBytes: number;
  /** Packed: its descriptors as words of 32 bits, four each, as the ring may have them no longer. Split: empty. */
  readonly descriptors: readonly number[];
}

/** All that a queue knows, as plain numbers that survive JSON. */
export interface QueueState {
  readonly format: "split" | "packed";
  /** Entries. */
  readonly size: number;
  /** Where the guest put it, null before it did. */
  readonly layout: QueueLayout | null;
  /** What stopped it. */
  readonly error: QueueError | null;
  /** Where the next chain is: index in the available ring; or slot, and from bit 15 on its wrap counter. */
  readonly avail: number;
  /** Where the next used element goes, likewise. */
  readonly used: number;
  /** Used since the guest's wish for an interrupt was last asked: chains, or slots. */
  readonly unsignalled: number;
  /** Chains that are out, in the order in which they were taken. */
  readonly chains: readonly SavedChain[];
}

/** A state that no queue can have, or not this one. The message says what is wrong with it. Nothing was changed. */
export class QueueStateError extends RangeError {
  override readonly name = "QueueStateError";
}

/**
 * Refuses a state that has not the shape of one: it may come from anywhere.
 * @param format the format of the queue that it is for, and its entries
 * @throws QueueStateError
 */
export function checkQueueState(state: QueueState, format: QueueState["format"], size: number): void {
  if (typeof state !== "object" || state === null) refuse("", "an object", state);
  if (state.format !== format) refuse("format", `"${format}"`, state.format);
  if (state.size !== size) refuse("size", `${size}`, state.size);
  checkInteger("avail", state.avail, 0xffff);
  checkInteger("used", state.used, 0xffff);
  checkInteger("unsignalled", state.unsignalled, Number.MAX_SAFE_INTEGER);
  if (state.error !== null && !QUEUE_ERRORS.includes(state.error)) refuse("error", "a known one or null", state.error);
  if (state.layout !== null) checkLayout(state.layout);
  if (!Array.isArray(state.chains) || state.chains.length > size) refuse("chains", `at most ${size}`, state.chains);
  const seen = new Set<number>();
  for (const [i, chain] of state.chains.entries()) {
    const name = `chains[${i}]`;
    if (typeof chain !== "object" || chain === null) refuse(name, "an object", chain);
    checkInteger(`${name}.head`, chain.head, size - 1);
    if (seen.has(chain.head)) refuse(`${name}.head`, "another one than all before", chain.head);
    seen.add(chain.head);
    if (chain.doneBytes !== -1) checkInteger(`${name}.doneBytes`, chain.doneBytes, 0xffff_ffff);
    if (!Array.isArray(chain.descriptors)) refuse(`${name}.descriptors`, "an array", chain.descriptors);
    for (const word of chain.descriptors) checkInteger(`${name}.descriptors`, word, 0xffff_ffff);
  }
  if (state.layout === null && state.chains.length > 0) refuse("chains", "none without a layout", state.chains.length);
}

/** @throws QueueStateError naming the field, what it should be, and what it is */
export function refuse(name: string, expected: string, got: unknown): never {
  const what =
    typeof got === "object" && got !== null ? (Array.isArray(got) ? `${got.length}` : "an object") : `${got}`;
  throw new QueueStateError(`"state${name === "" ? "" : `.${name}`}" of a queue expected ${expected}, got ${what}`);
}

function checkLayout(layout: QueueLayout): void {
  if (typeof layout !== "object") refuse("layout", "an object or null", layout);
  for (const part of ["descTable", "availRing", "usedRing"] as const) {
    checkInteger(`layout.${part}`, layout[part], Number.MAX_SAFE_INTEGER);
  }
}

function checkInteger(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > most) refuse(name, `an integer from 0 to ${most}`, value);
}
