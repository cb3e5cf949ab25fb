import fc from "fast-check";
import { expect, it } from "vitest";
import { barEmulation, deviceEntry, type PciBar, type PciBarWindow } from "../src/index.ts";

/** A BAR register as the specification draws it: 32 bits, of which some are fixed. */
class RegisterModel {
  value: bigint;
  readonly addressBits: bigint;
  readonly fixed: bigint;

  constructor(value: bigint, addressBits: bigint, fixed: bigint) {
    this.value = value;
    this.addressBits = addressBits;
    this.fixed = fixed;
  }

  write(at: number, size: number, value: number): void {
    const shift = BigInt(8 * at);
    const mask = ((1n << BigInt(8 * size)) - 1n) << shift;
    this.value = (this.value & ~mask) | ((BigInt(value) << shift) & mask);
  }

  read(): bigint {
    return (this.value & this.addressBits) | this.fixed;
  }
}

const BARS: readonly PciBar[] = [
  { kind: "io", address: 0xc000, sizeBits: 5 },
  { kind: "mem32", address: 0xfeb0_0000, sizeBits: 12, prefetchable: true },
  { kind: "mem64", address: 0x10_0000_0000, sizeBits: 20 },
];

function models(): RegisterModel[] {
  const below4G = (bits: number): bigint => 0xffff_ffffn & ~((1n << BigInt(bits)) - 1n);
  return [
    new RegisterModel(0xc000n, below4G(5), 1n),
    new RegisterModel(0xfeb0_0000n, below4G(12), 8n),
    new RegisterModel(0n, below4G(20), 4n),
    new RegisterModel(0x10n, 0xffff_ffffn, 0n),
    new RegisterModel(0n, 0n, 0n),
    new RegisterModel(0n, 0n, 0n),
  ];
}

const value = fc.oneof(fc.constantFrom(0, 0xff, 0xffff, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));
const write = fc
  .record({ size: fc.constantFrom(1, 2, 4), at: fc.nat({ max: 23 }), value, command: fc.nat({ max: 30 }) })
  .map(({ size, at, value, command }) => ({ size, at: at - (at % size), value, command }));

it("behaves as 32-bit registers with fixed bits under writes of any width, and tells of every window", () => {
  fc.assert(
    fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
      const windows = new Map<number, PciBarWindow>();
      const header = deviceEntry({ vendorId: 0, deviceId: 0 });
      const entry = barEmulation(header, BARS, { onBarChange: (window) => windows.set(window.index, window) });
      for (const window of entry.bars()) windows.set(window.index, window);
      const registers = models();
      let command = 0;
      for (const one of writes) {
        if (one.command < 4) {
          command = one.command;
          entry.ioWrite(0x04, 2, command);
        } else {
          entry.ioWrite(0x10 + one.at, one.size, one.value);
          registers[one.at >> 2]?.write(one.at % 4, one.size, one.value);
        }
        const read = registers.map((_, i) => BigInt(entry.ioRead(0x10 + 4 * i, 4)));
        expect(read).toEqual(registers.map((register) => register.read()));
        // Whoever only listens knows what `bars` says.
        expect([...windows.values()]).toEqual(entry.bars());
        for (const window of windows.values()) {
          const low = (registers[window.index]?.value ?? 0n) & (registers[window.index]?.addressBits ?? 0n);
          const high = window.kind === "mem64" ? (registers[3]?.value ?? 0n) : 0n;
          expect(window.address).toBe(Number((high << 32n) | low));
          const decoding = window.kind === "io" ? 1 : 2;
          if (!window.enabled) continue;
          expect(command & decoding).toBe(decoding);
          expect(window.address).toBeGreaterThan(0);
          expect(window.address % window.size).toBe(0);
          if (window.kind === "io") expect(window.address + window.size).toBeLessThan(0x1_0000);
          if (window.kind === "mem32") expect(window.address + window.size).toBeLessThan(2 ** 32);
        }
      }
    }),
    { numRuns: 400 },
  );
});
