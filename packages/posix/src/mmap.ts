import { fstatSync } from "node:fs";
import { posixError } from "./errno.ts";
import { ClosedError } from "./errors.ts";
import { Fd } from "./fd.ts";
import { errno, koffi, libc } from "./libc.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MFD_CLOEXEC = 1;

/** The kernel maps whole pages. 4096 on x64; on arm64 up to 65536, and a multiple of that is one of 4096 too. */
const PAGE_BYTES = 4096;

/** Options of `mapMemory`. */
export interface MapOptions {
  /** Whether it may be written. Default true. */
  readonly writable?: boolean;
  /** Whether others who map the same file see what is written. Default true. */
  readonly shared?: boolean;
  /** Where in the file it starts, a multiple of the page size. Default 0. */
  readonly offset?: number;
}

/** Ranges whose memory was given back while there were views of them. They go when the last view does. */
const abandoned = new FinalizationRegistry<PageRange>(({ start, sizeBytes }) => {
  libc().munmap(start, sizeBytes);
});

/** Whole pages, in a file or in memory. */
interface PageRange {
  readonly start: number;
  readonly sizeBytes: number;
}

/**
 * Memory that the kernel mapped into this process, as an `ArrayBuffer` and as an address. It stays mapped until
 * `unmap`, whoever keeps or forgets this object.
 */
export class Mapping {
  /** The address of the first byte. */
  readonly address: number;
  /** Length in bytes. */
  readonly sizeBytes: number;
  /** The pages that were mapped for it. */
  readonly #pages: PageRange;
  #buffer: ArrayBuffer | null;

  /** Use `mapMemory`. */
  constructor(address: number, sizeBytes: number, pages: PageRange) {
    this.address = address;
    this.sizeBytes = sizeBytes;
    this.#pages = pages;
    this.#buffer = koffi().view(address, sizeBytes);
  }

  /** The memory. @throws ClosedError after `unmap` */
  get buffer(): ArrayBuffer {
    if (this.#buffer === null) throw new ClosedError("the memory is unmapped");
    return this.#buffer;
  }

  /** Whether `unmap` was called. */
  get unmapped(): boolean {
    return this.#buffer === null;
  }

  /**
   * Gives the memory back at once. Node cannot detach such a buffer, so the addresses are kept and get empty
   * pages of nobody's: a view that is still in use reads zeros, and what it writes goes nowhere. The addresses are
   * free again when the last view is gone. A second call does nothing.
   * @throws PosixError where the kernel refuses; the memory is mapped then as before
   */
  unmap(): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    const { start, sizeBytes } = this.#pages;
    const at = libc().mmap(start, sizeBytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at < 0) throw posixError(errno(), "mmap");
    abandoned.register(buffer, this.#pages);
    this.#buffer = null;
  }
}

/**
 * Maps a file or a memfd. The descriptor may be closed afterwards. Touching pages that the file does not have ends
 * the process (SIGBUS): map no more than there is, and shrink nothing that is mapped.
 * @param sizeBytes at least 1
 * @throws RangeError, PosixError
 */
export function mapMemory(fd: Fd, sizeBytes: number, options: MapOptions = {}): Mapping {
  const { writable = true, shared = true, offset = 0 } = options;
  checkSize("sizeBytes", sizeBytes, 1);
  checkSize("offset", offset, 0);
  if (offset % PAGE_BYTES !== 0) throw new RangeError(`"offset" expected a multiple of ${PAGE_BYTES}, got ${offset}`);
  const prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const pages = wholePages(offset, sizeBytes, pageBytes(fd));
  const start = libc().mmap(0, pages.sizeBytes, prot, shared ? MAP_SHARED : MAP_PRIVATE, fd.number, pages.start);
  if (start < 0) throw posixError(errno(), "mmap");
  return new Mapping(start + offset - pages.start, sizeBytes, { start, sizeBytes: pages.sizeBytes });
}

/** The pages that a range lies in. */
export function wholePages(offset: number, sizeBytes: number, page: number): PageRange {
  const start = offset - (offset % page);
  return { start, sizeBytes: Math.ceil((offset + sizeBytes - start) / page) * page };
}

/** A file of huge pages is mapped by whole ones of them; its block size says how long they are. */
function pageBytes(fd: Fd): number {
  const { blksize } = fstatSync(fd.number);
  return blksize > PAGE_BYTES && blksize % PAGE_BYTES === 0 ? blksize : PAGE_BYTES;
}

/** A region of guest memory is shorter than 4 GiB, and so is each piece of a mapping. */
const PIECE_BYTES = 0x8000_0000;

/**
 * Maps a file as `mapMemory` does, in pieces of at most 2 GiB that adjoin in the file, though not here.
 * @throws RangeError, PosixError; nothing is mapped then
 */
export function mapInPieces(fd: Fd, sizeBytes: number, options: MapOptions = {}): Mapping[] {
  const { offset = 0 } = options;
  const pieces: Mapping[] = [];
  try {
    for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
      pieces.push(mapMemory(fd, Math.min(PIECE_BYTES, sizeBytes - at), { ...options, offset: offset + at }));
    }
    return pieces;
  } catch (error) {
    for (const piece of pieces) piece.unmap();
    throw error;
  }
}

/**
 * Memory as a file without a name, to be mapped here and, through its descriptor, elsewhere.
 * @param name for people who look into /proc
 * @throws RangeError, PosixError
 */
export function createMemfd(name: string, sizeBytes: number): Fd {
  checkSize("sizeBytes", sizeBytes, 1);
  const number = libc().memfd_create(name, MFD_CLOEXEC);
  if (number < 0) throw posixError(errno(), "memfd_create", name);
  const fd = new Fd(number);
  if (libc().ftruncate(number, sizeBytes) < 0) {
    const failed = posixError(errno(), "ftruncate", name);
    fd.close();
    throw failed;
  }
  return fd;
}

/** Length of the file behind a descriptor in bytes; 0 for what is no file, as a socket or a pipe. */
export function fileBytes(fd: Fd): number {
  const status = fstatSync(fd.number);
  return status.isFile() ? status.size : 0;
}

function checkSize(name: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`"${name}" expected an integer from ${min} on, got ${value}`);
  }
}
