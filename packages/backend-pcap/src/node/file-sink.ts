import { type FileHandle, open } from "node:fs/promises";
import type { ByteSink } from "../index.ts";

/**
 * A file to write a capture to; what was in it is gone. A pipe or a device will do too. The file is opened at the first
 * write, and again at the next where that failed.
 *
 * A disk that is full is no end: what could not be written is left out, and the capture goes on when there is space
 * again, in a file that is whole.
 */
export function fileSink(path: string): ByteSink {
  return new FileSink(path);
}

/**
 * As `fileSink`, but the file is opened now, so that what is wrong with it is known.
 * @throws (rejects) what Node's `open` does: no such folder, no right to it
 */
export async function openFileSink(path: string): Promise<ByteSink> {
  const sink = new FileSink(path);
  await sink.open();
  return sink;
}

class FileSink implements ByteSink {
  readonly #path: string;
  #handle: FileHandle | null = null;
  /** Where the next bytes go; null where there are no places: a pipe, a terminal. */
  #position: number | null = null;
  /** Bytes behind `#position` are left over from a write that failed. */
  #torn = false;
  /** A write failed where nothing can be taken back. */
  #broken: unknown = null;

  constructor(path: string) {
    this.#path = path;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    const handle = await this.open();
    try {
      for (let done = 0; done < bytes.length; ) {
        const at = this.#position === null ? null : this.#position + done;
        done += (await handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
      }
    } catch (error) {
      if (this.#position === null) this.#broken = error;
      this.#torn = true;
      throw error;
    }
    if (this.#position !== null) this.#position += bytes.length;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    if (handle === null) return;
    try {
      if (this.#torn && this.#position !== null) await handle.truncate(this.#position);
    } finally {
      await handle.close();
    }
  }

  /** Opens the file, where it is not open yet. */
  async open(): Promise<FileHandle> {
    if (this.#handle !== null) return this.#handle;
    const handle = await open(this.#path, "w");
    this.#position = (await handle.stat()).isFile() ? 0 : null;
    this.#handle = handle;
    return handle;
  }
}
