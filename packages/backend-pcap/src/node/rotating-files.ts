import { rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { ByteSink } from "../index.ts";
import { fileSink } from "./file-sink.ts";

/** Options of `rotatingFiles`. */
export interface RotatingFilesOptions {
  /** How many files are kept; older ones are deleted when a new one is begun. Default: all. */
  readonly keep?: number;
}

/**
 * Opens the files of a capture that rotates: "net.pcapng" becomes "net-00000.pcapng", "net-00001.pcapng", and so on.
 * It is the `sink` of a writer.
 * @throws RangeError for an impossible option
 */
export function rotatingFiles(path: string, options: RotatingFilesOptions = {}): (index: number) => ByteSink {
  const keep = options.keep ?? Number.POSITIVE_INFINITY;
  if (!(keep >= 1)) throw new RangeError(`"keep" expected at least 1, got ${keep}`);
  return (index) => {
    // A file that cannot be deleted is no reason to lose the next one.
    if (index >= keep) void rm(numbered(path, index - keep), { force: true }).catch(() => {});
    return fileSink(numbered(path, index));
  };
}

function numbered(path: string, index: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}-${String(index).padStart(5, "0")}${extension}`);
}
