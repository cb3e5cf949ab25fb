/** No contiguous guest memory is left, or an address is not guest memory. The message names the amount or address. */
export class GuestRamError extends RangeError {
  override readonly name = "GuestRamError";
}

/**
 * A virtqueue was used wrongly, by the caller or by the device: a full ring, a wrong order of descriptors, a used
 * entry that names no chain that is out, a length beyond the chain. A test that sees it has found a defect.
 */
export class RingError extends Error {
  override readonly name = "RingError";
}

/** The device does not do what a driver needs: no such function, no such queue, a reset that does not reset. */
export class DriverError extends Error {
  override readonly name = "DriverError";
}

/** An interrupt line stayed high although its handler was called again and again. */
export class InterruptStormError extends Error {
  override readonly name = "InterruptStormError";
}
