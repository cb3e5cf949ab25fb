import { deviceEntry, type PciBarWindow, type PciFunction, type PciRegion } from "@vmmkit/pci";
import type { Vm } from "@vmmkit/vm";

/** A MSI-X capability with four vectors in BAR 2 (PCI 3.0, 6.8.2). */
const MSIX = Uint8Array.of(0x11, 0, 3, 0, 2, 0, 0, 0, 2, 8, 0, 0);

/** A function that remembers how it was accessed: 64 bytes behind BAR 0, four MSI-X vectors, an interrupt pin. */
export class ToyFunction implements PciFunction {
  readonly vm: Vm;
  /** Accesses in their order: "r4@8", "w2@6=1234". */
  readonly accesses: string[] = [];
  readonly bytes: Uint8Array = new Uint8Array(64);
  resets = 0;
  /** Thrown by the next write. */
  fault: Error | null = null;
  onBarChange: PciFunction["onBarChange"] = null;
  readonly regions: readonly (PciRegion | null)[];
  readonly #entry = deviceEntry({ vendorId: 0x1af4, deviceId: 0x1100, classCode: 0xff, interruptPin: 1, caps: MSIX });

  constructor(vm: Vm) {
    this.vm = vm;
    const region: PciRegion = {
      bar: { kind: "mem32", address: 0, sizeBits: 6 },
      read: (offset, size) => this.#read(offset, size),
      write: (offset, size, value) => this.#write(offset, size, value),
    };
    this.regions = [region, null, null, null, null, null];
  }

  ioRead(offset: number, size: number): number {
    return this.#entry.ioRead(offset, size);
  }

  ioWrite(offset: number, size: number, value: number): void {
    this.#entry.ioWrite(offset, size, value);
  }

  bars(): PciBarWindow[] {
    return [];
  }

  reset(): void {
    this.resets++;
    this.#entry.reset();
  }

  #read(offset: number, size: number): number {
    this.accesses.push(`r${size}@${offset}`);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.bytes[offset + i] ?? 0);
    return value;
  }

  #write(offset: number, size: number, value: number): void {
    this.accesses.push(`w${size}@${offset}=${value.toString(16)}`);
    for (let i = 0; i < size; i++) this.bytes[offset + i] = value >>> (8 * i);
    const { fault } = this;
    this.fault = null;
    if (fault !== null) throw fault;
  }
}
