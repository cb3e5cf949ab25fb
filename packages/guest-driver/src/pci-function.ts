import { DriverError } from "./errors.ts";
import type { GuestPorts } from "./guest-ports.ts";

/* Configuration mechanism #1 and the header, as the PCI Local Bus Specification 3.0 has them (3.2.2.3.2, 6.1). */
const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const COMMAND = 4;
const COMMAND_IO = 1;
const COMMAND_MEMORY = 2;
const COMMAND_BUS_MASTER = 4;
const COMMAND_INTX_DISABLE = 0x400;
const STATUS = 6;
const STATUS_CAPABILITIES = 0x10;
const BAR_0 = 0x10;
const BAR_IO = 1;
const BAR_64_BIT = 4;
const HIGH_WORD = 2 ** 32;

/** A base address register as a guest finds it by sizing (6.2.5.1). */
export interface BarInfo {
  /** 0 to 5. */
  readonly index: number;
  /** I/O ports, or memory that is addressed with 32 or with 64 bits. */
  readonly kind: "io" | "memory32" | "memory64";
  /** Where it decodes. */
  readonly address: number;
  /** Bytes, a power of two. */
  readonly size: number;
  /** Reading has no side effect. Memory only. */
  readonly prefetchable: boolean;
}

/** An entry of the list of capabilities (6.7). */
export interface CapabilityInfo {
  /** Which capability: 5 is MSI, 9 is the vendor's own, 0x11 is MSI-X. */
  readonly id: number;
  /** Offset in configuration space. */
  readonly offset: number;
}

/** A PCI function as a guest's operating system works with it, through ports 0xcf8 and 0xcfc. */
export class PciFunction {
  /** 0 to 255. */
  readonly bus: number;
  /** 0 to 31. */
  readonly device: number;
  /** 0 to 7. */
  readonly func: number;
  readonly #ports: GuestPorts;

  /** Whether a function is there is for `present` to say. */
  constructor(ports: GuestPorts, bus: number, device: number, func: number) {
    this.#ports = ports;
    this.bus = bus;
    this.device = device;
    this.func = func;
  }

  /** Reads 1, 2 or 4 bytes of configuration space. Where nobody is, all bits are ones. */
  read(offset: number, size: 1 | 2 | 4): number {
    this.#select(offset);
    return this.#ports.in(CONFIG_DATA + (offset & 3), size) >>> 0;
  }

  /** Writes 1, 2 or 4 bytes of configuration space. */
  write(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#select(offset);
    this.#ports.out(CONFIG_DATA + (offset & 3), size, value >>> 0);
  }

  /** Whether a function is here. */
  get present(): boolean {
    return this.vendorId !== 0xffff;
  }

  /** Who made it (offset 0x00). */
  get vendorId(): number {
    return this.read(0, 2);
  }

  /** What it is (offset 0x02). */
  get deviceId(): number {
    return this.read(2, 2);
  }

  /** Offset 0x08. */
  get revisionId(): number {
    return this.read(8, 1);
  }

  /** Base class, sub-class and programming interface, 24 bits. */
  get classCode(): number {
    return this.read(8, 4) >>> 8;
  }

  /** Layout of the header, without the bit for several functions. */
  get headerType(): number {
    return this.read(0x0e, 1) & 0x7f;
  }

  /** Whether the device has functions beside function 0. */
  get multiFunction(): boolean {
    return (this.read(0x0e, 1) & 0x80) !== 0;
  }

  /** Offset 0x2c. */
  get subsystemVendorId(): number {
    return this.read(0x2c, 2);
  }

  /** Offset 0x2e. */
  get subsystemId(): number {
    return this.read(0x2e, 2);
  }

  /** 1 for INTA# to 4 for INTD#, 0 for none. */
  get interruptPin(): number {
    return this.read(0x3d, 1);
  }

  /** What the firmware noted: which input of the interrupt controller the pin ends at. */
  get interruptLine(): number {
    return this.read(0x3c, 1);
  }

  /** The command register (6.2.2). */
  get command(): number {
    return this.read(COMMAND, 2);
  }

  set command(value: number) {
    this.write(COMMAND, 2, value);
  }

  /** Turns I/O decoding, memory decoding and bus mastering on, and lets the interrupt pin through. */
  enable(): void {
    const on = COMMAND_IO | COMMAND_MEMORY | COMMAND_BUS_MASTER;
    this.command = (this.command | on) & ~COMMAND_INTX_DISABLE;
  }

  /** Turns I/O decoding on or off and nothing else. */
  setIoDecoding(on: boolean): void {
    this.command = on ? this.command | COMMAND_IO : this.command & ~COMMAND_IO;
  }

  /** Turns the interrupt pin off or on (Interrupt Disable). */
  setInterruptDisable(off: boolean): void {
    this.command = off ? this.command | COMMAND_INTX_DISABLE : this.command & ~COMMAND_INTX_DISABLE;
  }

  /**
   * Sizes all base address registers: decoding off, all ones, what sticks is the size, then everything as it was.
   * Registers that are not implemented are left out.
   */
  bars(): BarInfo[] {
    const command = this.command;
    this.command = command & ~(COMMAND_IO | COMMAND_MEMORY);
    const found: BarInfo[] = [];
    for (let index = 0; index < 6; index++) {
      const bar = this.#sizeBar(index);
      if (bar === null) continue;
      found.push(bar);
      if (bar.kind === "memory64") index++;
    }
    this.command = command;
    return found;
  }

  /**
   * Moves a base address register, with decoding off meanwhile.
   * @throws DriverError where the register did not take the address
   */
  moveBar(bar: BarInfo, address: number): BarInfo {
    const command = this.command;
    this.command = command & ~(COMMAND_IO | COMMAND_MEMORY);
    const offset = BAR_0 + 4 * bar.index;
    this.write(offset, 4, address % HIGH_WORD);
    if (bar.kind === "memory64") this.write(offset + 4, 4, Math.floor(address / HIGH_WORD));
    const moved = this.#sizeBar(bar.index);
    this.command = command;
    if (moved?.address !== address) {
      throw new DriverError(`BAR ${bar.index} did not take address 0x${address.toString(16)}, is ${moved?.address}`);
    }
    return moved;
  }

  /**
   * Walks the list of capabilities.
   * @throws DriverError for a list that runs in circles or out of configuration space
   */
  capabilities(): CapabilityInfo[] {
    if ((this.read(STATUS, 2) & STATUS_CAPABILITIES) === 0) return [];
    const found: CapabilityInfo[] = [];
    let offset = this.read(0x34, 1) & 0xfc;
    while (offset !== 0) {
      if (offset < 0x40 || found.some((seen) => seen.offset === offset)) {
        throw new DriverError(`the list of capabilities goes on at 0x${offset.toString(16)}`);
      }
      found.push({ id: this.read(offset, 1), offset });
      offset = this.read(offset + 1, 1) & 0xfc;
    }
    return found;
  }

  /** Bus, device and function as people write them: "00:03.0". */
  toString(): string {
    const hex = (value: number): string => value.toString(16).padStart(2, "0");
    return `${hex(this.bus)}:${hex(this.device)}.${this.func}`;
  }

  #sizeBar(index: number): BarInfo | null {
    const offset = BAR_0 + 4 * index;
    const low = this.read(offset, 4);
    const lowMask = this.#ones(offset, low);
    if (lowMask === 0) return null;
    if ((low & BAR_IO) !== 0) {
      const size = (~(lowMask & ~3) >>> 0) + 1;
      // A function that decodes 16 bits of a port leaves the upper half zero.
      const ports = lowMask < 0x1_0000 ? size & 0xffff : size;
      return { index, kind: "io", address: (low & ~3) >>> 0, size: ports, prefetchable: false };
    }
    const prefetchable = (low & 8) !== 0;
    const address = (low & ~15) >>> 0;
    if ((low & 6) !== BAR_64_BIT || index === 5) {
      return { index, kind: "memory32", address, size: HIGH_WORD - ((lowMask & ~15) >>> 0), prefetchable };
    }
    const high = this.read(offset + 4, 4);
    const highMask = this.#ones(offset + 4, high);
    const size = (HIGH_WORD - 1 - highMask) * HIGH_WORD + HIGH_WORD - ((lowMask & ~15) >>> 0);
    return { index, kind: "memory64", address: high * HIGH_WORD + address, size, prefetchable };
  }

  /** Writes all ones, answers which of them stuck, and writes the old value back. */
  #ones(offset: number, old: number): number {
    this.write(offset, 4, 0xffff_ffff);
    const mask = this.read(offset, 4);
    this.write(offset, 4, old);
    return mask;
  }

  #select(offset: number): void {
    const address = (0x8000_0000 | (this.bus << 16) | (this.device << 11) | (this.func << 8) | (offset & 0xfc)) >>> 0;
    this.#ports.out(CONFIG_ADDRESS, 4, address);
  }
}
