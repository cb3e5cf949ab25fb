import { barEmulation, deviceEntry, PCI_COMMAND_MEMORY, type PciAddress } from "@vmmkit/pci";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { afterEach, describe, expect, it } from "vitest";
import { addVirtioNet, attachVmmkit, type V86Machine } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";

const DONE = 0x600;
const RESULT = 0x610;
const BAR0 = 0x10;
const SLOT = 2;
const HERE = 0xfea0_0000;
const THERE = 0xd000_1000;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

/** A function with 4 KiB of registers behind a memory BAR. Reads answer the offset in each byte. */
class MemoryToy {
  readonly writes: (readonly [offset: number, size: number, value: number])[] = [];
  readonly reads: (readonly [offset: number, size: number])[] = [];
  /** Called for each write. */
  onWrite: (value: number) => void = () => {};

  constructor(machine: V86Machine) {
    const address: PciAddress = { bus: 0, dev: SLOT, fun: 0 };
    const entry = machine.mmio.addHandler({ start: 0, end: 0xfff }, { ...this.#handler(), desc: "toy" }, false);
    const header = deviceEntry({ vendorId: 0x5e14, deviceId: 0x1234 });
    const bars = barEmulation(header, [{ kind: "mem64", prefetchable: true, address: 0, sizeBits: 12 }], {
      onBarChange: (window) => {
        if (window.enabled) machine.mmio.mapHandler(entry, window.address);
        else machine.mmio.unmapHandler(entry);
      },
    });
    machine.pci.addEntry(bars, address);
  }

  #handler() {
    return {
      read: (offset: number, size: number) => {
        this.reads.push([offset, size]);
        let value = 0;
        for (let i = size - 1; i >= 0; i--) value = value * 256 + ((offset + i) & 0xff);
        return value;
      },
      write: (offset: number, size: number, value: number) => {
        this.writes.push([offset, size, value]);
        this.onWrite(value);
      },
    };
  }
}

async function run(firmware: Firmware, onWrite: (machine: V86Machine, value: number) => void = () => {}) {
  guest = await TestEmulator.load(firmware.store(DONE, 1).stop());
  const own = guest;
  const machine = attachVmmkit(guest.emulator);
  const toy = new MemoryToy(machine);
  toy.onWrite = (value) => onWrite(machine, value);
  await guest.runUntil(DONE, 1);
  return { toy, machine, guest, results: [0, 4, 8, 12].map((at) => own.read32(RESULT + at)) };
}

const placed = (address: number) =>
  new Firmware()
    .bigReal()
    .configWrite(SLOT, BAR0, address)
    .configWrite(SLOT, BAR0 + 4, 0)
    .configWrite(SLOT, 4, PCI_COMMAND_MEMORY, 2);

describe("a memory BAR in v86's memory map", () => {
  it("answers at every width where the guest put it", async () => {
    const { toy, results } = await run(
      placed(HERE)
        .loadHigh(1, HERE + 3, RESULT)
        .loadHigh(2, HERE + 2, RESULT + 4)
        .loadHigh(4, HERE + 0xff8, RESULT + 8)
        .storeHigh(1, HERE + 5, 0x1ff)
        .storeHigh(2, HERE + 6, 0xfffe)
        .storeHigh(4, HERE + 8, 0xffff_fffd),
    );
    expect(results.slice(0, 3)).toEqual([0x03, 0x0302, 0xfbfa_f9f8]);
    expect(toy.writes).toEqual([
      [5, 1, 0xff],
      [6, 2, 0xfffe],
      [8, 4, 0xffff_fffd],
    ]);
  });

  it("moves, and is nowhere while decoding is off", async () => {
    const { toy, results } = await run(
      placed(HERE)
        .configWrite(SLOT, BAR0, THERE)
        .loadHigh(1, HERE + 1, RESULT)
        .loadHigh(1, THERE + 1, RESULT + 4)
        .configWrite(SLOT, 4, 0, 2)
        .loadHigh(4, THERE, RESULT + 8)
        .storeHigh(2, THERE, 1),
    );
    expect(results.slice(0, 3)).toEqual([0xff, 0x01, 0xffff_ffff]);
    expect(toy.writes).toEqual([]);
  });

  it("leaves the rest of its block of 128 KiB to v86", async () => {
    const { toy, results } = await run(
      placed(HERE)
        .loadHigh(4, HERE + 0x1000, RESULT)
        .storeHigh(2, HERE + 0x1000, 7)
        .storeHigh(4, HERE - 4, 7)
        .loadHigh(1, HERE, RESULT + 4),
    );
    expect(results.slice(0, 2)).toEqual([0xffff_ffff, 0]);
    expect(toy.writes).toEqual([]);
  });

  it("in guest RAM is not reached, as RAM is what the processor takes it for", async () => {
    const { toy, results } = await run(
      placed(0x80_0000).storeHigh(4, 0x80_0000, 0x1234_5678).loadHigh(4, 0x80_0000, RESULT),
    );
    expect(results[0]).toBe(0x1234_5678);
    expect([toy.writes, toy.reads]).toEqual([[], []]);
  });

  it("an interrupt raised in the middle of a store enters its handler once, also from compiled code", async () => {
    const [loops, count, most] = [0x620, RESULT, 60_000];
    // The instructions between make the loop hot enough to be compiled before it ends.
    const work = (code: Firmware): Firmware => {
      for (let i = 0; i < 30; i++) code.increment(0x630);
      return code;
    };
    const firmware = new Firmware()
      .initInterruptControllers(1 << 10)
      .onInterrupt(0x2a, "handler")
      .jump("main")
      .label("handler")
      .increment(count)
      .storeHigh(1, HERE, 0)
      .endOfInterrupt()
      .iret()
      .label("main")
      .bigReal()
      .configWrite(SLOT, BAR0, HERE)
      .configWrite(SLOT, BAR0 + 4, 0)
      .configWrite(SLOT, 4, PCI_COMMAND_MEMORY, 2)
      .label("again");
    work(firmware).storeHigh(1, HERE, 1).sti().increment(loops).skipUnlessEqual(loops, most, "again");
    const { results } = await run(firmware, (machine, value) => machine.vm.interrupts.setLine(10, value !== 0));
    expect(results[0]).toBe(most);
  });

  it("gives everything back when it is detached", async () => {
    const { machine, guest: own } = await run(placed(HERE));
    const block = HERE >>> 17;
    const ours = own.cpu.memory_map_read8[block];
    const write16 = own.cpu.mmap_write16;
    machine.detach();
    expect(own.cpu.memory_map_read8[block]).not.toBe(ours);
    expect(own.cpu.memory_map_read8[block]?.(HERE | 0)).toBe(0xff);
    expect(own.cpu.mmap_write16).not.toBe(write16);
  });

  it("has a card's modern registers: a driver's 16-bit accesses reach them whole", async () => {
    const firmware = new Firmware()
      .bigReal()
      .configWrite(SLOT, 0x20, HERE)
      .configWrite(SLOT, 4, PCI_COMMAND_MEMORY, 2)
      .storeHigh(1, HERE + 0x14, 1)
      .loadHigh(1, HERE + 0x14, RESULT)
      .storeHigh(2, HERE + 0x16, 1)
      .storeHigh(2, HERE + 0x18, 128)
      .loadHigh(2, HERE + 0x18, RESULT + 4)
      .storeHigh(2, HERE + 0x3004, 1)
      .store(DONE, 1)
      .stop();
    guest = await TestEmulator.load(firmware);
    const card = addVirtioNet(attachVmmkit(guest.emulator), virtioNetDefaultBackend(), { transport: "modern" });
    await guest.runUntil(DONE, 1);
    expect([guest.read32(RESULT), guest.read32(RESULT + 4)]).toEqual([1, 128]);
    expect(card.counters.transmitQueue.notifications).toBe(1);
    expect(card.iobase).toBe(0);
  });
});
