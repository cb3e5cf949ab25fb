/** An address where no function can be, or where there is none. */
export class PciAddressError extends RangeError {
  override readonly name = "PciAddressError";
}

/** The address has a function already. */
export class PciSlotOccupiedError extends RangeError {
  override readonly name = "PciSlotOccupiedError";
}

/** All devices of bus 0 are taken. */
export class PciSpaceFullError extends RangeError {
  override readonly name = "PciSpaceFullError";
}

/** A function was described wrongly: its header, BARs, capabilities or interrupt. */
export class PciDefinitionError extends RangeError {
  override readonly name = "PciDefinitionError";
}
