/** A segment or section for `buildElf32`. */
interface Part {
  readonly name?: string;
  readonly address?: number;
  readonly bytes: Uint8Array;
}

/** Builds a 32-bit little-endian ELF file with the given loadable segments and named sections. */
export function buildElf32(entry: number, segments: readonly Part[], sections: readonly Part[] = []): Uint8Array {
  const names = ["", ...sections.map(({ name = "" }) => name), ".shstrtab"];
  const nameTable = Buffer.from(`${names.join("\0")}\0`);
  const all: Part[] = [{ bytes: new Uint8Array(0) }, ...sections, { bytes: nameTable }];
  const header = Buffer.alloc(52);
  const programHeaders = Buffer.alloc(32 * segments.length);
  const sectionHeaders = Buffer.alloc(40 * all.length);
  const bodies: Uint8Array[] = [];
  let at = header.length + programHeaders.length + sectionHeaders.length;
  const place = (bytes: Uint8Array): number => {
    bodies.push(bytes);
    at += bytes.length;
    return at - bytes.length;
  };
  for (const [i, { address = 0, bytes }] of segments.entries()) {
    // type LOAD, offset, virtual and physical address, length in file and memory
    writeWords(programHeaders, 32 * i, [1, place(bytes), address + 0xc000_0000, address, bytes.length, bytes.length]);
  }
  for (const [i, { bytes }] of all.entries()) {
    const nameAt = names.slice(0, i).join("\0").length + (i === 0 ? 0 : 1);
    writeWords(sectionHeaders, 40 * i, [nameAt, i === 0 ? 0 : 1, 0, 0, place(bytes), bytes.length]);
  }
  header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  writeWords(header, 24, [entry, header.length, header.length + programHeaders.length]);
  header.writeUInt16LE(32, 42);
  header.writeUInt16LE(segments.length, 44);
  header.writeUInt16LE(40, 46);
  header.writeUInt16LE(all.length, 48);
  header.writeUInt16LE(all.length - 1, 50);
  return Buffer.concat([header, programHeaders, sectionHeaders, ...bodies]);
}

function writeWords(target: Buffer, offset: number, words: readonly number[]): void {
  for (const [i, word] of words.entries()) target.writeUInt32LE(word >>> 0, offset + 4 * i);
}
