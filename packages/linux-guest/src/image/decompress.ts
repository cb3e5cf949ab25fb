import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { runTool } from "./run-tool.ts";

/** Compressed formats by their first bytes, with the file name that Debian packages give a member of that format. */
const FORMATS: readonly { readonly magic: readonly number[]; readonly member: string }[] = [
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], member: "data.tar.xz" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], member: "data.tar.zst" },
  { magic: [0x42, 0x5a, 0x68], member: "data.tar.bz2" },
  { magic: [0x5d, 0x00, 0x00], member: "data.tar.lzma" },
];

const GZIP_MAGIC = [0x1f, 0x8b, 0x08];

/**
 * Unpacks gzip, xz, zstd, bzip2 or lzma. Node knows only the first everywhere, and a small Debian has none of the
 * others' programs, but `dpkg-deb` knows them all: it is handed a package with the bytes as its contents.
 * @returns the unpacked bytes, or null where the format is another or nothing here can read it
 */
export async function decompress(bytes: Uint8Array): Promise<Uint8Array | null> {
  if (startsWith(bytes, GZIP_MAGIC)) return gunzipSync(bytes);
  const format = FORMATS.find(({ magic }) => startsWith(bytes, magic));
  return format === undefined ? null : throughDpkg(bytes, format.member);
}

/** Whether the bytes are of one of the formats. */
export function isCompressed(bytes: Uint8Array): boolean {
  return startsWith(bytes, GZIP_MAGIC) || FORMATS.some(({ magic }) => startsWith(bytes, magic));
}

/** `dpkg-deb --fsys-tarfile` writes out a package's unpacked contents without looking at them. */
async function throughDpkg(bytes: Uint8Array, member: string): Promise<Uint8Array | null> {
  const folder = await mkdtemp(join(tmpdir(), "vmmkit-unpack-"));
  try {
    const file = join(folder, "package.deb");
    await writeFile(file, debWith(member, bytes));
    const { code, stdout } = await runTool("dpkg-deb", ["--fsys-tarfile", file]);
    return code === 0 ? stdout : null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A package (deb(5)): an `ar` archive of version, control files (here none) and contents. */
function debWith(member: string, contents: Uint8Array): Uint8Array {
  const emptyTar = new Uint8Array(1024);
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    arMember("debian-binary", Buffer.from("2.0\n")),
    arMember("control.tar", emptyTar),
    arMember(member, contents),
  ]);
}

function arMember(name: string, contents: Uint8Array): Uint8Array {
  const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
  const header = `${fields.join("")}${String(contents.length).padEnd(10)}\`\n`;
  return Buffer.concat([Buffer.from(header), contents, Buffer.from(contents.length % 2 === 0 ? "" : "\n")]);
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
