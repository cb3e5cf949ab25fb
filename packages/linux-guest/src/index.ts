/**
 * Debian's kernel and busybox as a guest in v86, driven over its serial line.
 *
 * @module
 */
export type { CommandResult, GuestJob } from "./command-channel.ts";
export { GuestImageError, GuestOptionError, GuestStoppedError, GuestTimeoutError } from "./errors.ts";
export type { Attachment, BootProgress, Guest, RunCommandOptions } from "./guest.ts";
export type { ImageStep } from "./image/debian-packages.ts";
export { ensureGuestImage, type GuestImage, type GuestImageOptions } from "./image/guest-image.ts";
export { LinuxGuest, type LinuxGuestOptions } from "./linux-guest.ts";
