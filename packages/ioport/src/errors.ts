/** A range of ports that cannot be: not integers, backwards, or outside 0 to 0xffff. */
export class IoPortRangeError extends RangeError {
  override readonly name = "IoPortRangeError";
}

/** The requested ports are somebody else's. The message names both. */
export class IoPortOverlapError extends RangeError {
  override readonly name = "IoPortOverlapError";
}

/** No free range of the wanted size is left above the list's allocation address. */
export class IoPortExhaustedError extends RangeError {
  override readonly name = "IoPortExhaustedError";
}

/** The entry is not on this list: it was removed, or another list made it. */
export class UnknownIoPortEntryError extends Error {
  override readonly name = "UnknownIoPortEntryError";
}

/** A range of addresses that cannot be, or is somebody else's. The message names both. */
export class MmioRangeError extends RangeError {
  override readonly name = "MmioRangeError";
}

/** The entry is not on this list: it was removed, or another list made it. */
export class UnknownMmioEntryError extends Error {
  override readonly name = "UnknownMmioEntryError";
}
