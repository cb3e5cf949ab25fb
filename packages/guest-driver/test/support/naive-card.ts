import { IoPortType } from "@vmmkit/ioport";
import { barEmulation, deviceEntry } from "@vmmkit/pci";
import type { GuestMachine } from "../../src/index.ts";
import { type NaiveChain, NaiveRing } from "./naive-ring.ts";

export const NAIVE_LINE = 11;
export const NAIVE_MAC: readonly number[] = [0x52, 0x54, 0, 1, 2, 3];

export interface NaiveCardOptions {
  readonly features?: readonly number[];
  readonly queueSize?: number;
  readonly mtu?: number;
}

/**
 * A legacy network card that does what the specification says in the simplest way, for tests of the driver alone.
 * Every frame sent is kept in `sent`; `deliver` gives the guest a frame.
 */
export class NaiveCard {
  readonly sent: Uint8Array[] = [];
  readonly sentHeaders: Uint8Array[] = [];
  readonly sentChains: NaiveChain[] = [];
  readonly statusWrites: number[] = [];
  readonly notifications: number[] = [0, 0];
  readonly config = new Uint8Array(12);
  rings: (NaiveRing | null)[] = [null, null];
  /** Frames of the transmit queue are taken only while this is true. */
  transmitting = true;
  status = 0;
  isr = 0;
  driverFeatures = 0;
  readonly #machine: GuestMachine;
  readonly #features: readonly number[];
  readonly #queueSize: number;
  #selected = 0;
  #used = [0, 0];

  constructor(machine: GuestMachine, options: NaiveCardOptions = {}) {
    this.#machine = machine;
    this.#features = options.features ?? [5, 16];
    this.#queueSize = options.queueSize ?? 16;
    this.config.set(NAIVE_MAC);
    this.config[6] = 1;
    new DataView(this.config.buffer).setUint16(10, options.mtu ?? 1500, true);
    const handler = {
      desc: "naive card",
      portIn: (port: number, size: number) => this.#in(port - entry.range.start, size),
      portOut: (port: number, _size: number, value: number) => this.#out(port - entry.range.start, value),
    };
    const entry = machine.ioport.addHandler({ start: 0, end: 0, size: 32 }, handler, IoPortType.Free);
    const header = deviceEntry({
      vendorId: 0x1af4,
      deviceId: 0x1000,
      classCode: 2,
      interruptPin: 1,
      interruptLine: NAIVE_LINE,
    });
    machine.pci.addEntry(
      barEmulation(header, [{ kind: "io", address: entry.range.start, sizeBits: 5 }], {
        onBarChange: (window) => {
          if (window.enabled) machine.ioport.mapHandler(entry, window.address);
          else machine.ioport.unmapHandler(entry);
        },
      }),
    );
  }

  has(bit: number): boolean {
    return ((this.driverFeatures >>> bit) & 1) === 1;
  }

  get headerBytes(): number {
    return this.has(15) ? 12 : 10;
  }

  ring(queue: number): NaiveRing {
    const ring = this.rings[queue];
    if (ring === null || ring === undefined) throw new Error(`queue ${queue} is not set up`);
    return ring;
  }

  /** Takes all that the guest has sent. */
  transmit(): void {
    const ring = this.ring(1);
    for (let chain = ring.next(); chain !== null; chain = ring.next()) {
      const bytes = ring.read(chain.parts);
      this.sentChains.push(chain);
      this.sentHeaders.push(bytes.slice(0, this.headerBytes));
      this.sent.push(bytes.slice(this.headerBytes));
      ring.giveBack(chain.head, 0);
    }
    if (this.has(29)) ring.availEvent = ring.seen;
    this.interrupt(1);
  }

  /** Gives the guest a frame, in as many buffers as it needs with MRG_RXBUF. False where there is no buffer. */
  deliver(frame: Uint8Array): boolean {
    const ring = this.ring(0);
    const rest = Uint8Array.from([...new Uint8Array(this.headerBytes), ...frame]);
    const chains: { head: number; parts: NaiveChain["parts"]; bytes: number }[] = [];
    for (let from = 0; from < rest.length; ) {
      const chain = ring.next();
      if (chain === null) return false;
      const bytes = ring.write(chain.parts, rest.subarray(from));
      chains.push({ ...chain, bytes });
      from += bytes;
    }
    if (this.has(15)) rest[10] = chains.length;
    ring.write(chains[0]?.parts ?? [], rest.subarray(0, chains[0]?.bytes));
    for (const chain of chains) ring.giveBack(chain.head, chain.bytes);
    this.interrupt(0);
    return true;
  }

  /** Interrupts the guest if it wants to know of what queue `queue` has used since the last call. */
  interrupt(queue: number): void {
    const ring = this.ring(queue);
    const old = this.#used[queue] ?? 0;
    this.#used[queue] = ring.usedIdx;
    if (old === ring.usedIdx) return;
    const passed = (ring.usedIdx - ring.usedEvent - 1 + 65536) % 65536 < (ring.usedIdx - old + 65536) % 65536;
    if (this.has(29) ? passed : (ring.availFlags & 1) === 0) this.#raise(1);
  }

  setLink(up: boolean): void {
    this.config[6] = up ? 1 : 0;
    this.#raise(2);
  }

  #raise(bit: number): void {
    this.isr |= bit;
    this.#machine.interrupts.setLine(NAIVE_LINE, true);
  }

  #in(offset: number, size: number): number {
    if (offset >= 20) {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.config[offset - 20 + i] ?? 0);
      return value;
    }
    if (offset === 0) return this.#features.reduce((bits, bit) => bits | (1 << bit), 0) >>> 0;
    if (offset === 8) return (this.rings[this.#selected]?.desc ?? 0) / 4096;
    if (offset === 12) return this.#selected < 2 ? this.#queueSize : 0;
    if (offset === 18) return this.status;
    if (offset !== 19) return 0;
    const isr = this.isr;
    this.isr = 0;
    this.#machine.interrupts.setLine(NAIVE_LINE, false);
    return isr;
  }

  #out(offset: number, value: number): void {
    if (offset === 4) this.driverFeatures = value;
    if (offset === 14) this.#selected = value;
    if (offset === 18) this.#setStatus(value);
    if (offset === 8) {
      const buffer = this.#machine.ram.region(0, 4).bytes.buffer;
      this.rings[this.#selected] = value === 0 ? null : new NaiveRing(buffer, value * 4096, this.#queueSize);
    }
    if (offset === 16) {
      this.notifications[value] = (this.notifications[value] ?? 0) + 1;
      if (value === 1 && this.transmitting) this.transmit();
    }
    if (offset >= 20) this.config[offset - 20] = value;
  }

  #setStatus(value: number): void {
    this.statusWrites.push(value);
    this.status = value;
    if (value !== 0) return;
    this.rings = [null, null];
    this.#used = [0, 0];
    this.driverFeatures = 0;
    this.isr = 0;
    this.#machine.interrupts.setLine(NAIVE_LINE, false);
  }
}
