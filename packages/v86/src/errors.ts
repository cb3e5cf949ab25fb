/** The given object is not a loaded V86, or a build of v86 without the properties that vmmkit works on. */
export class V86InternalsError extends TypeError {
  override readonly name = "V86InternalsError";
}

/** This emulator has vmmkit's PCI space already, or no longer. */
export class V86AttachError extends Error {
  override readonly name = "V86AttachError";
}

/** A number that the machine does not have: a slot, a pin, an interrupt line. The message names the argument. */
export class V86RangeError extends RangeError {
  override readonly name = "V86RangeError";
}

/** Bytes that `saveState` did not make, or not whole. */
export class V86StateError extends RangeError {
  override readonly name = "V86StateError";
}
