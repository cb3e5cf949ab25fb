import type { Bytes } from "./addresses.ts";
import { check, posixError } from "./errno.ts";
import { ClosedError } from "./errors.ts";
import { ioctl, read, write } from "./io.ts";
import { errno, libc } from "./libc.ts";

/** Flags of `openFile`, as Linux has them on x64 and arm64 alike. */
export const OpenFlag = {
  ReadOnly: 0,
  WriteOnly: 1,
  ReadWrite: 2,
  Create: 0o100,
  Exclusive: 0o200,
  Truncate: 0o1000,
  Append: 0o2000,
  NonBlock: 0o4000,
} as const;

/** `O_CLOEXEC`: children do not inherit it. Set on everything that this package opens. */
export const CLOEXEC = 0o2000000;
/** `O_NONBLOCK`, and `SOCK_NONBLOCK`, `EFD_NONBLOCK`. */
export const NONBLOCK = 0o4000;

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const F_DUPFD_CLOEXEC = 1030;

/**
 * A file descriptor that is closed once. Numbers of descriptors are used again at once by the next `open`, so one
 * that is closed twice closes somebody else's.
 */
export class Fd {
  #number: number;
  /** What has to be done before, in the order it was asked for. */
  readonly #before = new Set<() => void>();

  /** @param number an open descriptor. It is this object's from now on. */
  constructor(number: number) {
    if (!Number.isInteger(number) || number < 0) {
      throw new RangeError(`"number" expected an open file descriptor, got ${number}`);
    }
    this.#number = number;
  }

  /** The descriptor. @throws ClosedError after `close` */
  get number(): number {
    if (this.#number < 0) throw new ClosedError("the file descriptor is closed");
    return this.#number;
  }

  /** Whether `close` or `release` was called. */
  get closed(): boolean {
    return this.#number < 0;
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    const number = this.release();
    // Linux frees the number whatever `close` answers; closing again would be somebody else's.
    if (number >= 0) libc().close(number);
  }

  /** Hands the descriptor out: it is the caller's to close. Answers -1 where it is closed already. */
  release(): number {
    const number = this.#number;
    if (number < 0) return -1;
    for (const task of this.#before) task();
    this.#before.clear();
    this.#number = -1;
    return number;
  }

  /** Calls `task` just before the descriptor is closed. Answers the function that takes that back. */
  beforeClose(task: () => void): () => void {
    this.#before.add(task);
    return () => this.#before.delete(task);
  }

  /**
   * Reads once.
   * @returns bytes read, 0 at the end; -1 where there is nothing now (EAGAIN)
   * @throws PosixError
   */
  read(target: Bytes): number {
    return transferred(read(this.number, target), "read");
  }

  /**
   * Writes once.
   * @returns bytes written, perhaps fewer than there are; -1 where nothing can be written now (EAGAIN)
   * @throws PosixError
   */
  write(source: Bytes): number {
    return transferred(write(this.number, source), "write");
  }

  /** Asks a device something, or tells it. @throws PosixError */
  ioctl(request: number, argument: number | Bytes = 0): number {
    return check(ioctl(this.number, request, argument), "ioctl");
  }

  /** Whether reading and writing return at once instead of waiting. @throws PosixError */
  setNonBlocking(on: boolean): void {
    const flags = this.#fcntl(F_GETFL, 0);
    this.#fcntl(F_SETFL, on ? flags | NONBLOCK : flags & ~NONBLOCK);
  }

  /** Whether processes that this one starts do without it. @throws PosixError */
  setCloseOnExec(on: boolean): void {
    const flags = this.#fcntl(F_GETFD, 0);
    this.#fcntl(F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
  }

  /** Another descriptor for the same open file. Children do not inherit it. @throws PosixError */
  duplicate(): Fd {
    return new Fd(this.#fcntl(F_DUPFD_CLOEXEC, 0));
  }

  #fcntl(command: number, argument: number): number {
    const result = libc().fcntl(this.number, command, argument);
    if (result < 0) throw posixError(errno(), "fcntl");
    return result;
  }
}

/**
 * Opens a file or device. Children do not inherit it.
 * @param flags bits of `OpenFlag`
 * @param mode permissions of a file that is made
 * @throws PosixError
 */
export function openFile(path: string, flags: number = OpenFlag.ReadOnly, mode = 0o666): Fd {
  const fd = libc().open(path, flags | CLOEXEC, mode);
  if (fd < 0) throw posixError(errno(), "open", path);
  return new Fd(fd);
}

const EAGAIN = 11;

function transferred(result: number, syscall: string): number {
  return result === -EAGAIN ? -1 : check(result, syscall);
}
