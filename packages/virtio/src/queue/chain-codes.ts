/*
 * Codes of what a walk over a chain comes to: indices in `CHAIN_ERRORS`, as small integers, since nothing is made of
 * strings while a chain is walked.
 */
/** The chain is sound. */
export const CHAIN_SOUND = -1;
export const CHAIN_TOO_LONG = 0;
export const NEXT_OUT_OF_RANGE = 1;
export const WRONG_DIRECTION = 2;
export const ADDRESS_OUT_OF_RANGE = 3;
export const LENGTH_OVERFLOW = 4;
export const INDIRECT_NOT_ALLOWED = 5;
export const INDIRECT_BAD_LENGTH = 6;
export const INDIRECT_OUT_OF_RANGE = 7;

/** 2^53 / 2^32: from this high half on an address is not a safe integer, and no guest has that much memory. */
export const ADDRESS_HIGH_LIMIT = 0x20_0000;
export const TWO_32 = 0x1_0000_0000;

/** Longest chain of an indirect table where the queue itself is shorter: as long as QEMU allows (2.7.4.1). */
export const INDIRECT_LIMIT = 1024;

export const NO_WORDS: Uint32Array = new Uint32Array(0);
