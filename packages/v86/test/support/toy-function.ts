import { type IoPortEntry, type IoPortInterface, IoPortType } from "@vmmkit/ioport";
import { type BarEntry, barEmulation, deviceEntry, type PciAddress } from "@vmmkit/pci";
import type { Vm } from "@vmmkit/vm";
import type { V86Machine } from "../../src/index.ts";

/** Vendor 0x5e14, device 0x1234, as one 32-bit word. */
export const TOY_ID = 0x1234_5e14;

const TOY_PIN = 1;

/** Register of the toy that sets (1) or clears (0) its interrupt. */
export const TOY_IRQ_REGISTER = 4;

const PORTS = 16;

/**
 * The least function that has all a card has: identity, one BAR of 16 ports, an interrupt. It remembers what is
 * written to its ports. Reads answer the offset in each byte.
 */
export class ToyFunction implements IoPortInterface {
  readonly desc = "toy";
  readonly address: PciAddress;
  readonly vm: Vm;
  readonly config: BarEntry;
  readonly writes: { readonly offset: number; readonly size: number; readonly value: number }[] = [];
  /** Called in the guest's write. */
  onWrite: (offset: number, size: number, value: number) => void = () => {};
  resets = 0;
  readonly #entry: IoPortEntry;

  constructor(machine: V86Machine) {
    this.address = machine.freeAddress();
    this.vm = machine.vmFor(this.address, TOY_PIN);
    this.#entry = machine.ioport.addHandler({ start: 0, end: 0, size: PORTS }, this, IoPortType.Free, false);
    const header = deviceEntry({ vendorId: TOY_ID & 0xffff, deviceId: TOY_ID >>> 16, interruptPin: TOY_PIN });
    const bar = { kind: "io", address: this.#entry.range.start, sizeBits: 4 } as const;
    this.config = barEmulation(header, [bar], {
      onBarChange: ({ address, enabled }) => {
        if (enabled) machine.ioport.mapHandler(this.#entry, address);
        else machine.ioport.unmapHandler(this.#entry);
      },
    });
    const { config } = this;
    machine.pci.addEntry(
      {
        ioRead: (offset, size) => config.ioRead(offset, size),
        ioWrite: (offset, size, value) => config.ioWrite(offset, size, value),
        reset: () => this.#reset(),
      },
      this.address,
    );
  }

  /** First port of its BAR, as the guest has it now. */
  get iobase(): number {
    return this.#entry.range.start;
  }

  portIn(port: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (port - this.iobase + i);
    return value;
  }

  portOut(port: number, size: number, value: number): void {
    const offset = port - this.iobase;
    this.writes.push({ offset, size, value });
    if (offset === TOY_IRQ_REGISTER) this.vm.interrupts.setLine(0, value !== 0);
    this.onWrite(offset, size, value);
  }

  #reset(): void {
    this.resets++;
    this.vm.interrupts.setLine(0, false);
    this.config.reset();
  }
}
