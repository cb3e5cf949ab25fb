/**
 * Debian's kernel and busybox as a guest in v86, driven over its serial line.
 *
 * @module
 */
export { CommandChannel, type CommandResult, type GuestJob } from "./command-channel.ts";
export { GuestImageError, GuestOptionError, GuestStoppedError, GuestTimeoutError } from "./errors.ts";
export type { Attachment, BootProgress, Guest, RunCommandOptions } from "./guest.ts";
export { GuestThread, type GuestThreadOptions } from "./guest-thread.ts";
export type { ImageStep } from "./image/debian-packages.ts";
export { ensureEthtool } from "./image/ethtool.ts";
export { ensureGuestImage, type GuestFiles, type GuestImage, type GuestImageOptions } from "./image/guest-image.ts";
export { ensureIperf3 } from "./image/iperf3.ts";
export { ensureIpxe } from "./image/ipxe.ts";
export type { MakeOptions } from "./image/made-files.ts";
export { ensureQemu } from "./image/qemu.ts";
export { type GuestListeners, type GuestOptions, LinuxGuest, type LinuxGuestOptions } from "./linux-guest.ts";
export type { CardRequest, CardState, GuestBackend, OpenBackend } from "./network/card-module.ts";
export { type CardedGuest, type CardedGuestOptions, startCardedGuest } from "./network/carded-guest.ts";
export { GuestNetwork, type NetworkGuest } from "./network/guest-network.ts";
export { createEmulator, type Emulator, type EmulatorOptions, readEmulatorFiles } from "./v86-emulator.ts";
export { VgaText } from "./vga-text.ts";
