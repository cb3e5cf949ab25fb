import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { endianness } from "node:os";
import type { default as KoffiModule } from "koffi";
import { UnsupportedPlatformError } from "./errors.ts";

/** koffi's own functions. */
export type Koffi = typeof KoffiModule;

/**
 * Functions of the C library. Pointers are numbers: koffi passes those fastest, and an address in user space has
 * at most 47 bits, so it is exact. Strings go in as strings. A result of -1 means that `errno` says why.
 *
 * A number that is an address is valid only as long as somebody keeps what is there alive; see `addresses.ts`.
 */
export interface Libc {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  read(fd: number, address: number, lengthBytes: number): number;
  write(fd: number, address: number, lengthBytes: number): number;
  readv(fd: number, iovecs: number, count: number): number;
  writev(fd: number, iovecs: number, count: number): number;
  ioctl(fd: number, request: number, argument: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  dup(fd: number): number;
  eventfd(initial: number, flags: number): number;
  pipe2(fds: number, flags: number): number;
  memfd_create(name: string, flags: number): number;
  ftruncate(fd: number, lengthBytes: number): number;
  mmap(address: number, lengthBytes: number, prot: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, lengthBytes: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epfd: number, operation: number, fd: number, event: number): number;
  epoll_wait(epfd: number, events: number, maxEvents: number, timeoutMs: number): number;
  socket(domain: number, type: number, protocol: number): number;
  socketpair(domain: number, type: number, protocol: number, fds: number): number;
  bind(fd: number, address: number, lengthBytes: number): number;
  connect(fd: number, address: number, lengthBytes: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: number, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  getsockname(fd: number, address: number, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, lengthBytes: number): number;
  sendmsg(fd: number, message: number, flags: number): number;
  recvmsg(fd: number, message: number, flags: number): number;
  if_nametoindex(name: string): number;
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
  io_uring_setup(call: number, entries: number, params: number): number;
  io_uring_enter(
    call: number,
    fd: number,
    submit: number,
    wait: number,
    flags: number,
    signals: number,
    signalsBytes: number,
  ): number;
}

/**
 * C signatures: the result, then the parameters, then the function's name where it is another. `ioctl`, `fcntl`, `open`
 * and `syscall` are variadic in C; see `load`.
 */
const SIGNATURES: Record<keyof Libc, readonly [string, readonly string[], string?]> = {
  open: ["int", ["str", "int", "uint"]],
  close: ["int", ["int"]],
  read: ["intptr_t", ["int", "uintptr_t", "size_t"]],
  write: ["intptr_t", ["int", "uintptr_t", "size_t"]],
  readv: ["intptr_t", ["int", "uintptr_t", "int"]],
  writev: ["intptr_t", ["int", "uintptr_t", "int"]],
  ioctl: ["int", ["int", "ulong", "uintptr_t"]],
  fcntl: ["int", ["int", "int", "uintptr_t"]],
  dup: ["int", ["int"]],
  eventfd: ["int", ["uint", "int"]],
  pipe2: ["int", ["uintptr_t", "int"]],
  memfd_create: ["int", ["str", "uint"]],
  ftruncate: ["int", ["int", "int64_t"]],
  mmap: ["intptr_t", ["uintptr_t", "size_t", "int", "int", "int", "int64_t"]],
  munmap: ["int", ["uintptr_t", "size_t"]],
  epoll_create1: ["int", ["int"]],
  epoll_ctl: ["int", ["int", "int", "int", "uintptr_t"]],
  epoll_wait: ["int", ["int", "uintptr_t", "int", "int"]],
  socket: ["int", ["int", "int", "int"]],
  socketpair: ["int", ["int", "int", "int", "uintptr_t"]],
  bind: ["int", ["int", "uintptr_t", "uint"]],
  connect: ["int", ["int", "uintptr_t", "uint"]],
  listen: ["int", ["int", "int"]],
  accept4: ["int", ["int", "uintptr_t", "uintptr_t", "int"]],
  shutdown: ["int", ["int", "int"]],
  getsockname: ["int", ["int", "uintptr_t", "uintptr_t"]],
  getsockopt: ["int", ["int", "int", "int", "uintptr_t", "uintptr_t"]],
  setsockopt: ["int", ["int", "int", "int", "uintptr_t", "uint"]],
  sendmsg: ["intptr_t", ["int", "uintptr_t", "int"]],
  recvmsg: ["intptr_t", ["int", "uintptr_t", "int"]],
  if_nametoindex: ["uint", ["str"]],
  unshare: ["int", ["int"]],
  setns: ["int", ["int", "int"]],
  io_uring_setup: ["long", ["long", "uint", "uintptr_t"], "syscall"],
  io_uring_enter: ["long", ["long", "int", "uint", "uint", "uint", "uintptr_t", "size_t"], "syscall"],
};

const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

let loadedKoffi: Koffi | null = null;
let loadedLibc: Libc | null = null;

/**
 * The C library of this process. Loaded when it is first asked for, so that importing this package does no harm
 * where it cannot work.
 * @throws UnsupportedPlatformError where it cannot
 */
export function libc(): Libc {
  loadedLibc ??= load();
  return loadedLibc;
}

/**
 * koffi itself. This is the one file that loads it.
 * @throws UnsupportedPlatformError where there is none for this host
 */
export function koffi(): Koffi {
  loadedKoffi ??= loadKoffi();
  return loadedKoffi;
}

/** The number of the error of the last call that failed, on this thread. */
export function errno(): number {
  return (loadedKoffi ?? koffi()).errno();
}

/** @throws UnsupportedPlatformError where this package does not know the structures of the host's kernel */
function checkPlatform(platform: string, arch: string, order: string): void {
  if (platform !== "linux") throw new UnsupportedPlatformError(`@vmmkit/posix needs Linux, this is ${platform}`);
  if (!ARCHITECTURES.includes(arch) || order !== "LE") {
    throw new UnsupportedPlatformError(`@vmmkit/posix knows Linux on x64 and arm64, this is ${arch} (${order})`);
  }
}

function loadKoffi(): Koffi {
  checkPlatform(process.platform, process.arch, endianness());
  try {
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    keepLoaded(koffi);
    return koffi;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedPlatformError(
      `koffi could not be loaded; was its package for linux-${process.arch} installed (optional dependencies)? ${reason}`,
    );
  }
}

const RTLD_NOW = 2;
const RTLD_NODELETE = 0x1000;

/**
 * Has koffi's own code stay in the process. When a worker ends, Node unloads the code of the addons that it alone used,
 * and then libuv calls back into it to close the poll handles: the process ends with SIGSEGV.
 */
function keepLoaded(koffi: Koffi): void {
  const dlopen = koffi.load(null).func("dlopen", "uintptr_t", ["str", "int"]);
  // The one addon of that name; where it was loaded from is koffi's affair.
  const maps = readFileSync("/proc/self/maps", "utf8");
  const path = /(\/.*koffi[^/]*\.node)$/m.exec(maps)?.[1];
  if (path !== undefined) dlopen(path, RTLD_NOW | RTLD_NODELETE);
}

/**
 * JUSTIFICATION: Node has no `ioctl`, no vectored I/O at an address, no `mmap`.
 * SAFETY: the signatures above are those of the C library on 64-bit Linux. Variadic functions are called as if they
 * had fixed parameters, which is the same thing there for integers and pointers (System V AMD64, AAPCS64).
 */
function load(): Libc {
  const library = koffi().load(null);
  const functions: Record<string, unknown> = {};
  for (const [name, [result, parameters, nameInC = name]] of Object.entries(SIGNATURES)) {
    functions[name] = library.func(nameInC, result, [...parameters]);
  }
  return functions as unknown as Libc;
}
