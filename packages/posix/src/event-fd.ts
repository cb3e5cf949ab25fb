import { readlinkSync } from "node:fs";
import { addressOf } from "./addresses.ts";
import { check, posixError } from "./errno.ts";
import { CLOEXEC, Fd, NONBLOCK } from "./fd.ts";
import { readAt, writeAt } from "./io.ts";
import { errno, libc } from "./libc.ts";

const EAGAIN = 11;
const COUNTER_BYTES = 8;

/**
 * A counter in the kernel that one side adds to and the other waits for (C: `eventfd`): the doorbell between
 * threads, processes and the kernel's own devices. It never blocks.
 */
export class EventFd {
  /** The descriptor, to wait on or to hand to others. Closed by `close`. */
  readonly fd: Fd;
  readonly #value: Uint32Array = new Uint32Array(new ArrayBuffer(COUNTER_BYTES));
  readonly #address: number;

  /**
   * Makes one, or takes one over.
   * @param fd one that somebody else made, non-blocking
   * @throws PosixError
   */
  constructor(fd: Fd = newEventFd()) {
    this.fd = fd;
    this.#address = addressOf(this.#value);
  }

  /** Adds 1 to the counter, and wakes whoever waits. A counter that is full stays so. @throws PosixError, ClosedError */
  signal(): void {
    this.#value[0] = 1;
    this.#value[1] = 0;
    const result = writeAt(this.fd.number, this.#address, COUNTER_BYTES);
    if (result !== -EAGAIN) check(result, "write", "eventfd");
  }

  /** The counter, which is 0 afterwards. @throws PosixError, ClosedError */
  take(): number {
    const result = readAt(this.fd.number, this.#address, COUNTER_BYTES);
    if (result === -EAGAIN) return 0;
    check(result, "read", "eventfd");
    return (this.#value[0] ?? 0) + (this.#value[1] ?? 0) * 0x1_0000_0000;
  }

  /** Closes the descriptor. */
  close(): void {
    this.fd.close();
  }
}

function newEventFd(): Fd {
  const number = libc().eventfd(0, CLOEXEC | NONBLOCK);
  if (number < 0) throw posixError(errno(), "eventfd");
  return new Fd(number);
}

/** Whether a descriptor that somebody else handed over is an eventfd: writing to anything else could block, or worse. */
export function isEventFd(fd: Fd): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd.number}`) === "anon_inode:[eventfd]";
  } catch {
    return false;
  }
}
