import { VIRTQ_DESC_BYTES } from "../spec.ts";
import { WRAP } from "./packed-owner.ts";
import { checkQueueState, type QueueState, refuse } from "./queue-state.ts";

const DESC_WORDS = VIRTQ_DESC_BYTES / 4;

/**
 * Checks what a packed queue was saved as, but not where it is.
 * @param inOrder IN_ORDER was negotiated
 * @throws QueueStateError for a state that no such queue can have
 */
export function checkPackedState(state: QueueState, size: number, inOrder: boolean): void {
  checkQueueState(state, "packed", size);
  const { error, avail, used, chains } = state;
  if ((avail & ~WRAP) >= size) refuse("avail", `a slot below ${size}`, avail & ~WRAP);
  if ((used & ~WRAP) >= size) refuse("used", `a slot below ${size}`, used & ~WRAP);
  let slots = 0;
  for (const { doneBytes, descriptors } of chains) {
    if (doneBytes !== -1 && !inOrder) refuse("chains", "none that is done without IN_ORDER", doneBytes);
    if (descriptors.length === 0 || descriptors.length % DESC_WORDS !== 0) {
      refuse("chains", "descriptors of four words", descriptors);
    }
    slots += descriptors.length / DESC_WORDS;
  }
  const out = roundPosition(avail, size) - roundPosition(used, size);
  // A queue that stopped has nothing to give back.
  if (error === null && (slots > size || slots !== (out < 0 ? out + 2 * size : out))) {
    refuse("chains", "descriptors for all slots from used to avail", slots);
  }
}

/** A slot and its wrap counter as a position in two rounds. */
function roundPosition(position: number, size: number): number {
  return (position & ~WRAP) + ((position & WRAP) !== 0 ? 0 : size);
}
