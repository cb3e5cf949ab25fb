import { getSystemErrorMap } from "node:util";
import { PosixError } from "./errors.ts";

/** Numbers of errors that callers compare with, as Linux has them on every architecture that we support. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  EPIPE: 32,
  EBADFD: 77,
  EMSGSIZE: 90,
  ENOTSUP: 95,
  EADDRINUSE: 98,
  ENETDOWN: 100,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ECONNREFUSED: 111,
  EINPROGRESS: 115,
  ECANCELED: 125,
} as const;

/** Those that libuv, and so Node, has no name for. */
const WITHOUT_NODE_NAME = new Map<number, readonly [string, string]>([
  [Errno.EBADFD, ["EBADFD", "file descriptor in bad state"]],
  [Errno.EINPROGRESS, ["EINPROGRESS", "operation now in progress"]],
]);

/** The name of an error: "EAGAIN" for 11. */
export function errnoName(errno: number): string {
  return describe(errno)[0];
}

/**
 * The error of a system call.
 * @param errno its number, positive or negative
 * @param syscall the call's name
 * @param path what it was about
 * @param hint what to do about it
 */
export function posixError(errno: number, syscall: string, path?: string, hint?: string): PosixError {
  const positive = Math.abs(errno);
  const [code, description] = describe(positive);
  return new PosixError({ errno: positive, code, description, syscall, path, hint });
}

/**
 * Passes a result on, or throws what a negative one says.
 * @throws PosixError where `result` is the negative number of an error
 */
export function check(result: number, syscall: string, path?: string): number {
  if (result < 0) throw posixError(result, syscall, path);
  return result;
}

function describe(errno: number): readonly [string, string] {
  return getSystemErrorMap().get(-errno) ?? WITHOUT_NODE_NAME.get(errno) ?? [`errno ${errno}`, "unknown error"];
}
