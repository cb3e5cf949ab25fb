import { addressOf, type Bytes } from "./addresses.ts";
import type { IoVector } from "./io-vector.ts";
import { errno, libc } from "./libc.ts";

/*
 * Reading and writing for hot paths: descriptors are plain numbers, and an error is the result, negative, as the
 * kernel has it. Nothing is thrown or allocated. `Fd` has the methods that throw.
 */

/** Reads into a view. Answers the number of bytes, or minus the number of the error. */
export function read(fd: number, target: Bytes): number {
  return readAt(fd, addressOf(target), target.byteLength);
}

/** Writes a view. Answers the number of bytes, or minus the number of the error. */
export function write(fd: number, source: Bytes): number {
  return writeAt(fd, addressOf(source), source.byteLength);
}

/** Reads to an address, for which the caller answers. */
export function readAt(fd: number, address: number, lengthBytes: number): number {
  const result = libc().read(fd, address, lengthBytes);
  return result < 0 ? -errno() : result;
}

/** Writes from an address, for which the caller answers. */
export function writeAt(fd: number, address: number, lengthBytes: number): number {
  const result = libc().write(fd, address, lengthBytes);
  return result < 0 ? -errno() : result;
}

/** Reads into the ranges of a list, from the first on. Answers the number of bytes, or minus the number of the error. */
export function readv(fd: number, vector: IoVector): number {
  // One range needs no vector, and the plain call is cheaper.
  if (vector.count === 1) return readAt(fd, vector.firstAddress, vector.totalBytes);
  const result = libc().readv(fd, vector.address, vector.count);
  return result < 0 ? -errno() : result;
}

/** Writes the ranges of a list. Answers the number of bytes, or minus the number of the error. */
export function writev(fd: number, vector: IoVector): number {
  if (vector.count === 1) return writeAt(fd, vector.firstAddress, vector.totalBytes);
  const result = libc().writev(fd, vector.address, vector.count);
  return result < 0 ? -errno() : result;
}

/**
 * Asks a device something, or tells it (C: `ioctl`).
 * @param argument a number, or the bytes that the request reads or fills
 * @returns the device's answer, or minus the number of the error
 */
export function ioctl(fd: number, request: number, argument: number | Bytes = 0): number {
  const value = typeof argument === "number" ? argument : addressOf(argument);
  const result = libc().ioctl(fd, request, value);
  return result < 0 ? -errno() : result;
}
