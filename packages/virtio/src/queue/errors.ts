/**
 * Why a descriptor chain was refused. Its head is sound, so the guest gets the chain back with length 0, and the
 * queue goes on.
 */
export type ChainError =
  /**
   * The chain visits more descriptors than there are: it loops, or it is longer than 2.7.5.3.1 allows. Or it shares
   * them with so many others that the work has to end somewhere.
   */
  | "chainTooLong"
  /** `next` names a descriptor behind the end of its table. */
  | "nextOutOfRange"
  /** A device-writable descriptor where a readable one belongs, or the other way round. */
  | "wrongDirection"
  /** A buffer lies outside guest memory, or a writable one in read-only memory. */
  | "addressOutOfRange"
  /** The lengths of the chain add up to 2^32 or more (2.7.5.2). */
  | "lengthOverflow"
  /** INDIRECT without its feature, inside an indirect table, or together with NEXT (2.7.5.3.1). */
  | "indirectNotAllowed"
  /** The length of an indirect table is 0 or no multiple of 16. */
  | "indirectBadLength"
  /**
   * The indirect table lies outside guest memory. Or it is longer than any chain, and lies off a word or over the
   * border of two regions.
   */
  | "indirectOutOfRange";

/** Why a queue stopped. Nothing can be given back; the device needs a reset. */
export type QueueError =
  /** A part of the queue is not, or no longer, in one region of guest memory, or the used ring is in read-only memory. */
  | "ringOutOfRange"
  /** A part of the queue does not lie on the multiple that 2.7 asks for. */
  | "ringMisaligned"
  /** The available index ran ahead of ours: more chains than the queue has descriptors for. */
  | "availIndexJumped"
  /** The available ring names a descriptor that the queue does not have, or a packed chain a buffer id beyond its size. */
  | "headOutOfRange"
  /** A packed chain has the buffer id of another that is out. */
  | "headInUse"
  /** A packed chain goes on over all descriptors that the driver may have made available: it has no buffer id. */
  | "chainWithoutEnd";

/** Every `ChainError`, in the order of the codes that the queue uses inside. */
export const CHAIN_ERRORS: readonly ChainError[] = [
  "chainTooLong",
  "nextOutOfRange",
  "wrongDirection",
  "addressOutOfRange",
  "lengthOverflow",
  "indirectNotAllowed",
  "indirectBadLength",
  "indirectOutOfRange",
];

/** Every `QueueError`. */
export const QUEUE_ERRORS: readonly QueueError[] = [
  "ringOutOfRange",
  "ringMisaligned",
  "availIndexJumped",
  "headOutOfRange",
  "headInUse",
  "chainWithoutEnd",
];
