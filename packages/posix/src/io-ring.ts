import { addressOf } from "./addresses.ts";
import { Errno } from "./errno.ts";
import { Fd } from "./fd.ts";
import { errno, libc } from "./libc.ts";
import { type Mapping, mapMemory } from "./mmap.ts";

/*
 * Sizes and places of <linux/io_uring.h>, in 32-bit words where an array of words is meant.
 *
 * `struct io_uring_params`: sq_entries, cq_entries, five words, three reserved, then where the parts of the two rings
 * are, ten words each. `struct io_uring_sqe`: 64 bytes. `struct io_uring_cqe`: user_data (two words), res, flags.
 */
const PARAMS_WORDS = 30;
const SQ_OFFSETS = 10;
const CQ_OFFSETS = 20;
const SQE_WORDS = 16;
const CQE_WORDS = 4;
const OFF_SQES = 0x1000_0000;

/** System calls have these numbers on all architectures. */
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;

/** Entries of the ring that a thread shares. */
const SHARED_ENTRIES = 64;

const FEATURE_SINGLE_MMAP = 1;
const ENTER_GETEVENTS = 1;
const FLAG_IO_LINK = 1 << 10;
/** Answers EAGAIN instead of waiting, whatever the descriptor's own flags say. */
const RWF_NOWAIT = 8;

/** What a ring's entry asks for: `IORING_OP_READ` and so on. */
export const IoOp = { Readv: 1, Writev: 2, Read: 22, Write: 23 } as const;
export type IoOp = (typeof IoOp)[keyof typeof IoOp];

/**
 * Many reads and writes in one system call (`io_uring`). Where entering the kernel is what costs, as for short frames,
 * that is worth several times the speed; the figures are in the README.
 *
 * Nothing waits and nothing is under way after `run`: what the kernel cannot do at once it answers with `EAGAIN`. So
 * addresses have to be good until then and no longer, and one ring serves all of a thread.
 */
export class IoRing {
  /** How many entries fit. */
  readonly capacity: number;
  readonly #fd: Fd;
  readonly #rings: Mapping;
  readonly #entries: Mapping;
  readonly #words: Uint32Array;
  readonly #sqes: Uint32Array;
  readonly #mask: number;
  readonly #sqHead: number;
  readonly #sqTail: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #cqes: number;
  #tail = 0;
  #count = 0;

  /**
   * Makes a ring, or answers null where the kernel has none or does not let us (a container's seccomp filter,
   * `kernel.io_uring_disabled`).
   * @param capacity how many entries fit at least, 1 to 4096
   */
  static open(capacity: number): IoRing | null {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 4096) {
      throw new RangeError(`"capacity" expected an integer from 1 to 4096, got ${capacity}`);
    }
    const params = new Uint32Array(new ArrayBuffer(PARAMS_WORDS * 4));
    const number = libc().io_uring_setup(SYS_IO_URING_SETUP, capacity, addressOf(params));
    if (number < 0) return null;
    const fd = new Fd(number);
    const features = params[5] ?? 0;
    try {
      if ((features & FEATURE_SINGLE_MMAP) !== 0) return new IoRing(fd, params);
    } catch {
      // Memory that may be locked is short, or there is none.
    }
    fd.close();
    return null;
  }

  private constructor(fd: Fd, params: Uint32Array) {
    const word = (at: number): number => params[at] ?? 0;
    const [sqEntries, cqEntries] = [word(0), word(1)];
    const sqArray = word(SQ_OFFSETS + 6);
    const cqes = word(CQ_OFFSETS + 5);
    const sizeBytes = Math.max(sqArray + sqEntries * 4, cqes + cqEntries * CQE_WORDS * 4);
    this.#fd = fd;
    this.capacity = sqEntries;
    this.#rings = mapMemory(fd, sizeBytes);
    try {
      this.#entries = mapMemory(fd, sqEntries * SQE_WORDS * 4, { offset: OFF_SQES });
    } catch (error) {
      this.#rings.unmap();
      throw error;
    }
    this.#words = new Uint32Array(this.#rings.buffer, 0, sizeBytes >>> 2);
    this.#sqes = new Uint32Array(this.#entries.buffer);
    this.#mask = sqEntries - 1;
    this.#sqHead = word(SQ_OFFSETS) >>> 2;
    this.#sqTail = word(SQ_OFFSETS + 1) >>> 2;
    this.#cqHead = word(CQ_OFFSETS) >>> 2;
    this.#cqTail = word(CQ_OFFSETS + 1) >>> 2;
    this.#cqMask = cqEntries - 1;
    this.#cqes = cqes >>> 2;
    // Entries are used in their order: the indirection stays as it is.
    for (let i = 0; i < sqEntries; i++) this.#words[(sqArray >>> 2) + i] = i;
  }

  /** How many entries wait for `run`. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds an entry. The caller answers for the addresses until `run` is over.
   * @param address of the bytes, or of the `struct iovec`s
   * @param length how many bytes, or how many of those
   * @param linked the entry behind it is done only if this one was done whole: otherwise it gets ECANCELED, and so do
   * those that are linked to it
   * @returns false where the ring is full
   */
  push(op: IoOp, fd: number, address: number, length: number, linked: boolean): boolean {
    if (this.#count === this.capacity) return false;
    const sqes = this.#sqes;
    const at = ((this.#tail + this.#count) & this.#mask) * SQE_WORDS;
    sqes[at] = linked ? op | FLAG_IO_LINK : op;
    sqes[at + 1] = fd;
    // The offset -1: where the descriptor stands, for files that have such a thing.
    sqes[at + 2] = 0xffff_ffff;
    sqes[at + 3] = 0xffff_ffff;
    sqes[at + 4] = address;
    sqes[at + 5] = address / 0x1_0000_0000;
    sqes[at + 6] = length;
    sqes[at + 7] = RWF_NOWAIT;
    sqes[at + 8] = this.#count++;
    return true;
  }

  /**
   * Does all entries, in their order.
   * @param results gets per entry the number of bytes, or minus the number of the error; the caller's, at least `count`
   * long. ENOTSUP says that a descriptor cannot be asked this way
   */
  run(results: Int32Array): void {
    const count = this.#count;
    this.#count = 0;
    results.fill(-Errno.EAGAIN, 0, count);
    this.#tail = (this.#tail + count) >>> 0;
    Atomics.store(this.#words, this.#sqTail, this.#tail);
    let total = count;
    let submitted = 0;
    for (let done = 0; done < total; done += this.#reap(results)) {
      const entered = enter(this.#fd.number, total - submitted, total - done);
      if (entered >= 0) submitted += entered;
      else if (entered !== -Errno.EINTR) {
        // The kernel is short of something. What it has not looked at is not to be done later.
        if (submitted === total) return;
        this.#tail = Atomics.load(this.#words, this.#sqHead);
        Atomics.store(this.#words, this.#sqTail, this.#tail);
        total = submitted;
      }
    }
  }

  /** Forgets the entries that wait for `run`. */
  cancel(): void {
    this.#count = 0;
  }

  /** Gives the ring back. A second call does nothing. */
  close(): void {
    if (this.#fd.closed) return;
    this.#rings.unmap();
    this.#entries.unmap();
    this.#fd.close();
  }

  /** Writes down what came of entries. Answers how many are done. */
  #reap(results: Int32Array): number {
    const words = this.#words;
    const tail = Atomics.load(words, this.#cqTail);
    let head = words[this.#cqHead] ?? 0;
    let done = 0;
    for (; head !== tail; head = (head + 1) >>> 0, done++) {
      const at = this.#cqes + (head & this.#cqMask) * CQE_WORDS;
      results[words[at] ?? 0] = words[at + 2] ?? 0;
    }
    Atomics.store(words, this.#cqHead, head);
    return done;
  }
}

/** Hands entries over and waits until so many are done. Answers how many were taken, or minus the number of the error. */
function enter(fd: number, submit: number, wait: number): number {
  const entered = libc().io_uring_enter(SYS_IO_URING_ENTER, fd, submit, wait, ENTER_GETEVENTS, 0, 0);
  return entered < 0 ? -errno() : entered;
}

let shared: IoRing | null | undefined;

/** The ring of this thread, which all may share, or null where there can be none. Nobody closes it. */
export function threadIoRing(): IoRing | null {
  if (shared === undefined) {
    shared = IoRing.open(SHARED_ENTRIES);
    process.once("exit", () => shared?.close());
  }
  return shared;
}
