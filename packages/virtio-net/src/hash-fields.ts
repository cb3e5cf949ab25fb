import { copyBytes, type Frame } from "@vmmkit/ethif";

/** Where `hash_value` is in the header of a received frame; `hash_report` and two bytes of padding follow (5.1.6). */
const HASH_AT = 12;
const scratch = new Uint8Array(8);

/** Writes the hash of a received frame into its header. @param header all 20 bytes of it, in one range or in several */
export function writeHashFields(header: Frame, value: number, report: number): void {
  scratch[0] = value;
  scratch[1] = value >>> 8;
  scratch[2] = value >>> 16;
  scratch[3] = value >>> 24;
  scratch[4] = report;
  let skip = HASH_AT;
  let done = 0;
  for (let i = 0; i < header.rangeCount && done < scratch.length; i++) {
    const length = header.length[i] ?? 0;
    const bytes = header.bytes[i];
    if (skip >= length || bytes === undefined) {
      skip -= length;
      continue;
    }
    const count = Math.min(length - skip, scratch.length - done);
    copyBytes(scratch, done, bytes, (header.offset[i] ?? 0) + skip, count);
    done += count;
    skip = 0;
  }
}
