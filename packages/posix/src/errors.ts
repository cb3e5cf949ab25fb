/** This host is not Linux on x64 or arm64, or koffi has no binary for it. Nothing of this package works there. */
export class UnsupportedPlatformError extends Error {
  override readonly name = "UnsupportedPlatformError";
}

/** Something was used after it was closed. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
}

/** What a `PosixError` is made of. */
export interface PosixErrorInit {
  /** The error's number, positive. */
  readonly errno: number;
  /** The error's name: "EPERM". */
  readonly code: string;
  /** The error in words, as the C library says it. */
  readonly description: string;
  /** The system call that failed. */
  readonly syscall: string;
  /** The file, address or interface that it was about. */
  readonly path?: string | undefined;
  /** What to do about it: one line, for people. */
  readonly hint?: string | undefined;
}

/** A system call failed. The fields are those of Node's own system errors. */
export class PosixError extends Error {
  override readonly name = "PosixError";
  /** The error's name: "EPERM". */
  readonly code: string;
  /** The error's number, positive. */
  readonly errno: number;
  /** The system call that failed. */
  readonly syscall: string;
  /** The file, address or interface that it was about, if any. */
  readonly path: string | undefined;

  constructor(init: PosixErrorInit) {
    const { errno, code, description, syscall, path, hint } = init;
    const about = path === undefined ? syscall : `${syscall} ${path}`;
    super(`${code}: ${description}, ${about}${hint === undefined ? "" : `: ${hint}`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.path = path;
  }
}
