import type { IoPortInterface } from "@vmmkit/ioport";
import type { V86Io, V86PortEntry } from "./internals.ts";
import type { JitPages } from "./jit-pages.ts";

interface Overlaid {
  readonly ours: V86PortEntry;
  /** What v86 has there: answers again once ours is gone. */
  below: V86PortEntry;
}

/**
 * Handlers of ours on top of v86's table of ports. Whole entries are exchanged, never a function inside one: the
 * functions of an entry share one `this`, and v86 carries its own entries about as the guest moves its BARs.
 */
export class PortOverlay {
  readonly #ports: V86PortEntry[];
  readonly #overlaid = new Map<number, Overlaid>();
  readonly #jit: JitPages;

  /** @param jit told when the guest waits for a handler of ours, and when it goes on */
  constructor(io: V86Io, jit: JitPages) {
    this.#ports = io.ports;
    this.#jit = jit;
  }

  /** Lets `iface` answer for the ports `start` to `end`, at every width. */
  install(start: number, end: number, iface: IoPortInterface): void {
    for (let port = start; port <= end; port++) {
      const below = this.#ports[port];
      if (below === undefined) continue;
      const ours = this.#entry(port, end, iface);
      this.#overlaid.set(port, { ours, below });
      this.#ports[port] = ours;
    }
  }

  /** Gives the ports `start` to `end` back to v86. */
  remove(start: number, end: number): void {
    for (let port = start; port <= end; port++) {
      const overlaid = this.#overlaid.get(port);
      if (overlaid === undefined) continue;
      this.#overlaid.delete(port);
      // Where v86 has put a newer entry over ours, that one stays.
      if (this.#ports[port] === overlaid.ours) this.#ports[port] = overlaid.below;
    }
  }

  /** Gives all ports back. */
  removeAll(): void {
    for (const port of [...this.#overlaid.keys()]) this.remove(port, port);
  }

  /**
   * Puts our entries on top again. v86 writes into its table when the guest moves or sizes one of v86's own BARs;
   * what it wrote is what lies below ours from now on.
   */
  reassert(): void {
    for (const [port, overlaid] of this.#overlaid) {
      const now = this.#ports[port];
      if (now === undefined || now === overlaid.ours) continue;
      overlaid.below = now;
      this.#ports[port] = overlaid.ours;
    }
  }

  /** What v86 itself reads there: `size` 1, 2 or 4 bytes, unsigned. */
  readBelow(port: number, size: number): number {
    const entry = this.#below(port);
    if (entry === undefined) return size === 4 ? 0xffff_ffff : 2 ** (8 * size) - 1;
    return read(entry, port, size);
  }

  /** Writes to what v86 itself has there. */
  writeBelow(port: number, size: number, value: number): void {
    const entry = this.#below(port);
    if (entry !== undefined) write(entry, size, value);
  }

  #below(port: number): V86PortEntry | undefined {
    return this.#overlaid.get(port)?.below ?? this.#ports[port];
  }

  #entry(port: number, end: number, iface: IoPortInterface): V86PortEntry {
    const jit = this.#jit;
    const reader = (size: number) => (): number => {
      jit.guestPaused();
      const value = port + size - 1 <= end ? iface.portIn(port, size) : this.#readBytes(port, size);
      jit.guestContinues();
      return cut(value, size);
    };
    const writer =
      (size: number) =>
      (value: number): void => {
        jit.guestPaused();
        if (port + size - 1 <= end) iface.portOut(port, size, cut(value, size));
        else this.#writeBytes(port, size, value);
        jit.guestContinues();
      };
    const read32 = reader(4);
    return {
      read8: reader(1),
      read16: reader(2),
      read32: () => read32() | 0,
      write8: writer(1),
      write16: writer(2),
      write32: writer(4),
      device: undefined,
    };
  }

  /** An access across the end of our ports: a byte each for whoever has it. */
  #readBytes(port: number, size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) {
      const entry = this.#ports[port + i];
      value |= (entry === undefined ? 0xff : read(entry, port + i, 1)) << (8 * i);
    }
    return value;
  }

  #writeBytes(port: number, size: number, value: number): void {
    for (let i = 0; i < size; i++) {
      const entry = this.#ports[port + i];
      if (entry !== undefined) write(entry, 1, (value >>> (8 * i)) & 0xff);
    }
  }
}

function cut(value: number, size: number): number {
  if (size === 4) return value >>> 0;
  return size === 2 ? value & 0xffff : value & 0xff;
}

function read(entry: V86PortEntry, port: number, size: number): number {
  const { device } = entry;
  if (size === 1) return entry.read8.call(device, port);
  if (size === 2) return entry.read16.call(device, port);
  return entry.read32.call(device, port) >>> 0;
}

function write(entry: V86PortEntry, size: number, value: number): void {
  const { device } = entry;
  if (size === 1) entry.write8.call(device, value);
  else if (size === 2) entry.write16.call(device, value);
  else entry.write32.call(device, value | 0);
}
