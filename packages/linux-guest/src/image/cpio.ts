/** One member of a cpio archive. */
export interface CpioEntry {
  /** Path without a leading slash. Its folders come before it. */
  readonly path: string;
  /** File type and permissions, as in `st_mode`: `0o100755` for a program, `0o40755` for a folder. */
  readonly mode: number;
  /** Contents of a file or target of a symbolic link. Default empty. */
  readonly data?: Uint8Array;
  /** Numbers of a device node. Default 0, 0. */
  readonly device?: readonly [major: number, minor: number];
}

const MAGIC = "070701";
const TRAILER: CpioEntry = { path: "TRAILER!!!", mode: 0 };

/**
 * Packs entries into an archive of the format "newc", which Linux unpacks as an initramfs
 * (kernel documentation: "initramfs buffer format"). Owner, times and link counts are 0, 0 and 1: equal entries
 * make equal bytes.
 */
export function packCpio(entries: Iterable<CpioEntry>): Uint8Array {
  const parts: Uint8Array[] = [];
  let inode = 1;
  for (const entry of entries) parts.push(...packEntry(entry, inode++));
  parts.push(...packEntry(TRAILER, 0));
  return Buffer.concat(parts);
}

function packEntry(entry: CpioEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`);
  const data = entry.data ?? new Uint8Array(0);
  const [major, minor] = entry.device ?? [0, 0];
  const fields = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(MAGIC + fields.map(hex8).join(""));
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}

/** Names and contents each end at a multiple of 4 bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
