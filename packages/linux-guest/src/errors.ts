/** The guest image cannot be made or found. The message says what to install or which options to pass. */
export class GuestImageError extends Error {
  override readonly name = "GuestImageError";
}

/** An option of the guest is impossible. The message names it and its value. */
export class GuestOptionError extends RangeError {
  override readonly name = "GuestOptionError";
}

/** The guest did not get ready, or a command did not end, in the time it was given. */
export class GuestTimeoutError extends Error {
  override readonly name = "GuestTimeoutError";
}

/** The guest went away (destroyed, rebooted, its thread died) before the answer came. */
export class GuestStoppedError extends Error {
  override readonly name = "GuestStoppedError";
}
