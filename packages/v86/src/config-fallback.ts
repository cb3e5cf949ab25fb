import type { IoPortInterface } from "@vmmkit/ioport";
import { type V86Cpu, v86ConfigSpace } from "./internals.ts";
import type { PortOverlay } from "./port-overlay.ts";

const ADDRESS_PORT = 0xcf8;
const DATA_PORT = 0xcfc;
const ENABLE = 0x8000_0000;

/**
 * v86's own configuration ports, for the functions that are v86's.
 *
 * v86 answers from a copy made when the address was written, throws when the guest writes to a function that is not
 * there, and takes some pairs of addresses for a reset (it compares bits of 0xcf9 whatever the width). So the
 * address is kept here and only handed on together with an access to a function that v86 has.
 */
export class ConfigFallback implements IoPortInterface {
  readonly desc = "v86's PCI configuration";
  readonly #cpu: V86Cpu;
  readonly #overlay: PortOverlay;
  readonly #afterWrite: () => void;
  /** The address register. */
  address = 0;

  /** @param afterWrite called when the guest has written a register of a function of v86's */
  constructor(cpu: V86Cpu, overlay: PortOverlay, afterWrite: () => void) {
    this.#cpu = cpu;
    this.#overlay = overlay;
    this.#afterWrite = afterWrite;
  }

  portIn(port: number, size: number): number {
    // Accesses of one or two bytes to the address port are none of PCI's. The reset register 0xcf9 is among them.
    if (port < DATA_PORT) return this.#overlay.readBelow(port, size);
    if (!this.#selectsFunction()) return 0xffff_ffff;
    this.#overlay.writeBelow(ADDRESS_PORT, 4, this.address);
    return this.#overlay.readBelow(port, size);
  }

  portOut(port: number, size: number, value: number): void {
    if (port === ADDRESS_PORT && size === 4) {
      this.address = value >>> 0;
      return;
    }
    if (port < DATA_PORT) {
      this.#overlay.writeBelow(port, size, value);
      return;
    }
    if (!this.#selectsFunction()) return;
    this.#overlay.writeBelow(ADDRESS_PORT, 4, this.address);
    this.#overlay.writeBelow(port, size, value);
    this.#afterWrite();
  }

  #selectsFunction(): boolean {
    const enabled = (this.address & ENABLE) !== 0;
    const bus0 = ((this.address >>> 16) & 0xff) === 0;
    return enabled && bus0 && v86ConfigSpace(this.#cpu, (this.address >>> 8) & 0xff) !== undefined;
  }
}
