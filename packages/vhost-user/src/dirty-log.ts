import { type Fd, fileBytes, type Mapping, mapMemory } from "@vmmkit/posix";
import { RequestError } from "./errors.ts";
import { mapHandedOver } from "./map-handed-over.ts";
import { readU64 } from "./payload.ts";
import { LOG_PAGE_BYTES } from "./spec.ts";

/** Which pages of guest memory were written: a bit each, in memory that the front-end shares for it. */
export class DirtyLog {
  readonly #mapping: Mapping;
  readonly #bits: Uint8Array;

  /**
   * SET_LOG_BASE.
   * @param fd of the memory. It stays the caller's
   * @throws RequestError
   */
  constructor(body: DataView, fd: Fd) {
    const [sizeBytes, offset] = [readU64(body, 0), readU64(body, 8)];
    if (sizeBytes === 0 || offset % 4096 !== 0 || offset + sizeBytes > fileBytes(fd)) {
      throw new RequestError(`no log: ${sizeBytes} bytes at ${offset}`);
    }
    this.#mapping = mapHandedOver(() => mapMemory(fd, sizeBytes, { offset }));
    this.#bits = new Uint8Array(this.#mapping.buffer);
  }

  /** Notes a write. Others set and clear bits at the same time. */
  note(gpa: number, lengthBytes: number): void {
    const last = Math.floor((gpa + lengthBytes - 1) / LOG_PAGE_BYTES);
    for (let page = Math.floor(gpa / LOG_PAGE_BYTES); page <= last; page++) {
      const at = Math.floor(page / 8);
      if (at < this.#bits.length) Atomics.or(this.#bits, at, 1 << (page % 8));
    }
  }

  close(): void {
    this.#mapping.unmap();
  }
}
