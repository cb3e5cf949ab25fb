/** A frame on a stream is its length in bytes, 32 bits big-endian, and then its bytes. */
export const LENGTH_BYTES = 4;

/** A longer frame there is not: QEMU's own limit. What claims to be longer is no frame. */
export const MAX_FRAME_BYTES = 69632;
