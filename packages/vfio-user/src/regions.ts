import { PCI_CONFIG_SPACE_BYTES, type PciFunction } from "@vmmkit/pci";
import { CommandError } from "./errors.ts";
import { Limits } from "./limits.ts";
import { BAR_REGIONS, CONFIG_REGION, E2BIG, EINVAL, REGION_COUNT, REGION_READ, REGION_WRITE } from "./spec.ts";
import { needBytes, readU64, writeU64 } from "./u64.ts";

/** Offset, region and count: what an access and its answer start with. */
const ACCESS_BYTES = 16;
const REGION_INFO_BYTES = 32;

/** What an access goes to. */
interface Target {
  read(offset: number, size: number): number;
  write(offset: number, size: number, value: number): void;
}

/** The regions of a function: its BARs and its configuration space, as a client sees and reaches them. */
export class Regions {
  readonly #targets: (Target | null)[] = new Array<Target | null>(REGION_COUNT).fill(null);
  readonly #sizes: number[] = new Array<number>(REGION_COUNT).fill(0);

  constructor(device: PciFunction) {
    for (let index = 0; index < BAR_REGIONS; index++) {
      const region = device.regions[index] ?? null;
      if (region === null) continue;
      this.#targets[index] = region;
      this.#sizes[index] = 2 ** region.bar.sizeBits;
    }
    this.#targets[CONFIG_REGION] = {
      read: (offset, size) => device.ioRead(offset, size),
      write: (offset, size, value) => device.ioWrite(offset, size, value),
    };
    this.#sizes[CONFIG_REGION] = PCI_CONFIG_SPACE_BYTES;
  }

  /** `DEVICE_GET_REGION_INFO`. Nothing can be mapped: every access is one that the device has to see. @throws CommandError */
  info(body: DataView): Uint8Array {
    needBytes(body, REGION_INFO_BYTES);
    const index = body.getUint32(8, true);
    if (index >= REGION_COUNT) throw new CommandError(EINVAL, `there is no region ${index}`);
    const size = this.#sizes[index] ?? 0;
    const answer = new DataView(new ArrayBuffer(REGION_INFO_BYTES));
    answer.setUint32(0, REGION_INFO_BYTES, true);
    answer.setUint32(4, size === 0 ? 0 : REGION_READ | REGION_WRITE, true);
    answer.setUint32(8, index, true);
    writeU64(answer, 16, size);
    return new Uint8Array(answer.buffer);
  }

  /** `REGION_READ`. @throws CommandError */
  read(body: DataView): Uint8Array {
    const { target, offset, count } = this.#access(body);
    const answer = new Uint8Array(ACCESS_BYTES + count);
    answer.set(new Uint8Array(body.buffer, body.byteOffset, ACCESS_BYTES));
    for (let done = 0; done < count; ) {
      const size = widthAt(offset + done, count - done);
      const value = target.read(offset + done, size);
      for (let i = 0; i < size; i++) answer[ACCESS_BYTES + done + i] = value >>> (8 * i);
      done += size;
    }
    return answer;
  }

  /** `REGION_WRITE`. @throws CommandError */
  write(body: DataView): Uint8Array {
    const { target, offset, count } = this.#access(body);
    needBytes(body, ACCESS_BYTES + count);
    // Taken before the device acts.
    const answer = new Uint8Array(body.buffer, body.byteOffset, ACCESS_BYTES).slice();
    for (let done = 0; done < count; ) {
      const size = widthAt(offset + done, count - done);
      target.write(offset + done, size, valueAt(body, ACCESS_BYTES + done, size));
      done += size;
    }
    return answer;
  }

  #access(body: DataView): { readonly target: Target; readonly offset: number; readonly count: number } {
    needBytes(body, ACCESS_BYTES);
    const offset = readU64(body, 0, "offset");
    const region = body.getUint32(8, true);
    const count = body.getUint32(12, true);
    const target = this.#targets[region] ?? null;
    if (target === null) throw new CommandError(EINVAL, `there is nothing in region ${region}`);
    if (count > Limits.dataBytes) throw new CommandError(E2BIG, `${count} bytes at once`);
    if (offset + count > (this.#sizes[region] ?? 0)) {
      throw new CommandError(EINVAL, `${count} bytes at ${offset} are outside of region ${region}`);
    }
    return { target, offset, count };
  }
}

/** The widest access that a bus carries at this place: 4, 2 or 1 bytes. 8 bytes are two of 4, as QEMU has it. */
function widthAt(offset: number, left: number): 1 | 2 | 4 {
  if (offset % 4 === 0 && left >= 4) return 4;
  return offset % 2 === 0 && left >= 2 ? 2 : 1;
}

function valueAt(view: DataView, offset: number, size: 1 | 2 | 4): number {
  if (size === 4) return view.getUint32(offset, true);
  return size === 2 ? view.getUint16(offset, true) : view.getUint8(offset);
}
