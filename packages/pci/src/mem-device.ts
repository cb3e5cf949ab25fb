import { type Restoration, stateIntegers, stateRecord } from "@vmmkit/vm";
import { PciDefinitionError } from "./errors.ts";
import { allOnes, cut, type EntryState, isConfigAccess, type PciEntry } from "./pci-entry.ts";
import * as spec from "./spec.ts";
import { PCI_CONFIG_SPACE_BYTES } from "./spec.ts";

/** What says which function it is: a state of another one is refused. */
const IDENTITY: readonly number[] = [spec.PCI_VENDOR_ID, spec.PCI_DEVICE_ID, spec.PCI_SUBSYSTEM_ID];

/** A function whose configuration space is memory. */
export interface MemDevice extends PciEntry {
  /** The 256 bytes as the guest reads them. The device model may change them at any time. */
  readonly bytes: Uint8Array;
  reset(): void;
  save(): EntryState;
  prepare(state: unknown): Restoration;
}

/** What the guest can change in a `memDevice`: one byte per byte of configuration space, one bit per bit. */
export interface MemDeviceMasks {
  /** Bits that take what is written. Default none. */
  readonly writable?: Uint8Array;
  /** Bits that a written 1 clears. Default none. */
  readonly writeOneToClear?: Uint8Array;
}

/**
 * A function whose configuration space is memory (C original: `vmm_pci_mem_device_read` and
 * `vmm_pci_mem_device_write`, which wrote every bit).
 * @param bytes the initial contents, 256 bytes, copied
 * @param masks which bits the guest can change, copied
 * @throws PciDefinitionError for other lengths
 */
export function memDevice(bytes: Uint8Array, masks: MemDeviceMasks = {}): MemDevice {
  const initial = copyOf256("bytes", bytes);
  const writable = copyOf256("masks.writable", masks.writable);
  const clearing = copyOf256("masks.writeOneToClear", masks.writeOneToClear);
  const now = initial.slice();
  return {
    bytes: now,
    ioRead(offset, size) {
      if (!isConfigAccess(offset, size)) return allOnes(size);
      let value = 0;
      for (let i = 0; i < size; i++) value |= at(now, offset + i) << (8 * i);
      return cut(value, size);
    },
    ioWrite(offset, size, value) {
      if (!isConfigAccess(offset, size)) return;
      for (let i = 0; i < size; i++) {
        const byte = (value >>> (8 * i)) & 0xff;
        const taken = at(writable, offset + i);
        const cleared = at(clearing, offset + i) & byte;
        now[offset + i] = ((at(now, offset + i) & ~taken) | (byte & taken)) & ~cleared;
      }
    },
    reset() {
      now.set(initial);
    },
    save: () => ({ config: [...now] }),
    prepare(state) {
      const { config } = stateRecord("state", state);
      const saved = stateIntegers("config", config, PCI_CONFIG_SPACE_BYTES, PCI_CONFIG_SPACE_BYTES, 0xff);
      for (const offset of IDENTITY) checkSame(saved, initial, offset);
      return {
        apply: () => {
          // What the guest cannot change is this function's own, whatever a state says.
          for (let i = 0; i < PCI_CONFIG_SPACE_BYTES; i++) {
            const theirs = at(writable, i) | at(clearing, i);
            now[i] = (at(now, i) & ~theirs) | ((saved[i] ?? 0) & theirs);
          }
        },
        resume: () => {},
      };
    },
  };
}

/** An entry that the guest can read but not write (C original: `vmm_pci_entry_ignore_write`). */
export function ignoreWrite(entry: PciEntry): PciEntry {
  return { ioRead: (offset, size) => entry.ioRead(offset, size), ioWrite: () => {} };
}

function at(bytes: ArrayLike<number>, offset: number): number {
  return bytes[offset] ?? 0;
}

/** @throws RangeError where a 16-bit register of the state says that it is another function's */
function checkSame(saved: readonly number[], own: Uint8Array, offset: number): void {
  const [got, expected] = [saved, own].map((bytes) => at(bytes, offset) | (at(bytes, offset + 1) << 8));
  if (got === expected) return;
  throw new RangeError(`"config" at offset ${offset} expected ${expected}, of this function, got ${got}`);
}

function copyOf256(name: string, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) return new Uint8Array(PCI_CONFIG_SPACE_BYTES);
  if (bytes.length === PCI_CONFIG_SPACE_BYTES) return bytes.slice();
  throw new PciDefinitionError(`"${name}" expected ${PCI_CONFIG_SPACE_BYTES} bytes, got ${bytes.length}`);
}
