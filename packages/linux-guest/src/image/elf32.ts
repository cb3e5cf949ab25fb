/** A piece of a program as it lies in memory. */
interface ElfSegment {
  /** Physical address of the first byte. */
  readonly address: number;
  /** The bytes that the file holds for it; memory beyond them starts as zeros. */
  readonly bytes: Uint8Array;
}

/** What is read here of a 32-bit little-endian ELF file. */
export interface Elf32 {
  /** Address of the first instruction. */
  readonly entry: number;
  /** The loadable segments that have bytes in the file, in their order. */
  readonly segments: readonly ElfSegment[];
  /** The contents of the section of that name, or null. */
  section(name: string): Uint8Array | null;
}

const MAGIC_LE = 0x464c_457f;
const CLASS_32_DATA_LSB = 0x0101;
const PT_LOAD = 1;
const SECTION_HEADER_BYTES = 40;

/** Reads the headers of an ELF file, or answers null where it is not one, not 32-bit, or cut short. */
export function readElf32(file: Uint8Array): Elf32 | null {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 52 || view.getUint32(0, true) !== MAGIC_LE || view.getUint16(4, true) !== CLASS_32_DATA_LSB) {
    return null;
  }
  try {
    const segments = readSegments(file, view);
    const sections = readSections(file, view);
    return { entry: view.getUint32(24, true), segments, section: (name) => sections.get(name) ?? null };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readSegments(file: Uint8Array, view: DataView): ElfSegment[] {
  const segments: ElfSegment[] = [];
  const [table, entryBytes, count] = [view.getUint32(28, true), view.getUint16(42, true), view.getUint16(44, true)];
  for (let i = 0; i < count; i++) {
    const at = table + i * entryBytes;
    const bytes = slice(file, view.getUint32(at + 4, true), view.getUint32(at + 16, true));
    if (view.getUint32(at, true) !== PT_LOAD || bytes.length === 0) continue;
    segments.push({ address: view.getUint32(at + 12, true), bytes });
  }
  return segments;
}

function readSections(file: Uint8Array, view: DataView): Map<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>();
  const [table, count, namesIndex] = [view.getUint32(32, true), view.getUint16(48, true), view.getUint16(50, true)];
  if (table === 0 || count === 0) return sections;
  const sectionAt = (index: number): Uint8Array => {
    const at = table + index * SECTION_HEADER_BYTES;
    const hasNoBytes = view.getUint32(at + 4, true) === 8;
    return hasNoBytes ? new Uint8Array(0) : slice(file, view.getUint32(at + 16, true), view.getUint32(at + 20, true));
  };
  const names = sectionAt(namesIndex);
  for (let i = 0; i < count; i++) {
    sections.set(stringAt(names, view.getUint32(table + i * SECTION_HEADER_BYTES, true)), sectionAt(i));
  }
  return sections;
}

function slice(file: Uint8Array, offset: number, length: number): Uint8Array {
  if (offset + length > file.length) throw new RangeError("outside the file");
  return file.subarray(offset, offset + length);
}

function stringAt(table: Uint8Array, offset: number): string {
  const end = table.indexOf(0, offset);
  return new TextDecoder().decode(table.subarray(offset, end === -1 ? table.length : end));
}
