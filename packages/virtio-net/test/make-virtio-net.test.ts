import { parseMac, TxResult } from "@vmmkit/ethif";
import {
  enumeratePci,
  findPciFunction,
  GuestMachine,
  GuestNetDriver,
  LegacyTransport,
  type PciFunction,
} from "@vmmkit/guest-driver";
import { IoPortOverlapError, IoPortRangeError, IoPortType } from "@vmmkit/ioport";
import {
  deviceEntry,
  PCI_STATUS,
  PCI_STATUS_INTERRUPT,
  PciAddressError,
  PciSlotOccupiedError,
  PciSpaceFullError,
} from "@vmmkit/pci";
import {
  VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET,
  VIRTIO_PCI_STATUS,
  VIRTIO_PCI_VENDOR_ID,
  VirtioEmul,
} from "@vmmkit/virtio";
import { commonMakeVirtioNet, type VirtioNetOptions, virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";
import { ANY_PORTS, LINE, makeRig, type Rig, testFrame } from "./support/rig.ts";
import { TEST_MAC, TestBackend } from "./support/test-backend.ts";

const ALL_ONES = 0xffff_ffff;

function cardFunction(machine: GuestMachine, nth = 0): PciFunction {
  return findPciFunction(machine.ports, VIRTIO_PCI_VENDOR_ID, VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET, nth);
}

function legacy(driver: GuestNetDriver): LegacyTransport {
  if (!(driver.transport instanceof LegacyTransport)) throw new Error("not the legacy interface");
  return driver.transport;
}

function firstBar(func: PciFunction) {
  const bar = func.bars()[0];
  if (bar === undefined) throw new Error("the card has no BAR");
  return bar;
}

function expectTraffic({ machine, backend, driver }: Pick<Rig, "machine" | "backend" | "driver">): void {
  const before = backend.sent.length;
  driver.send(testFrame(61));
  expect(backend.sent.slice(before)).toEqual([testFrame(61)]);
  expect(backend.deliver(testFrame(62))).toBe(true);
  machine.settle();
  expect(driver.receive()).toEqual(testFrame(62));
}

describe("commonMakeVirtioNet", () => {
  it("takes the eight parameters of the C original in their order, and gives a card with its five elements", () => {
    const { vm, pci, ioport } = new GuestMachine();
    const { funcs, ...backend } = new TestBackend();
    const card = commonMakeVirtioNet(
      vm,
      pci,
      ioport,
      { start: 0x1000, end: 0x101f, size: 0 },
      IoPortType.Addr,
      2,
      9,
      funcs,
    );
    expect(backend.sent).toEqual([]);
    expect(card.iobase).toBe(0x1000);
    expect(card.emul).toBeInstanceOf(VirtioEmul);
    expect(card.emulDriver.funcs).toBe(funcs);
    expect(card.emulDriverFuncs).toBe(funcs);
    expect(card.ioops).toBe(vm);
    expect(card.pciAddress).toEqual({ bus: 0, dev: 1, fun: 0 });
    expect(card.mac).toEqual(TEST_MAC);
    expect(card.running).toBe(false);
    expect(card.linkUp).toBe(true);
  });

  it("is a transitional network card to a PCI probe (4.1.2)", () => {
    const { machine } = makeRig({ start: false });
    const func = cardFunction(machine);
    expect(func.revisionId).toBe(0);
    expect(func.classCode).toBe(0x02_0000);
    expect(func.subsystemId).toBe(1);
    expect(func.interruptPin).toBe(1);
    expect(func.interruptLine).toBe(LINE);
    expect(func.multiFunction).toBe(false);
    expect(func.capabilities()).toEqual([]);
    expect(func.bars()).toMatchObject([{ index: 0, kind: "io", size: 32 }]);
  });

  it.each([32, 64, 256])("Free: finds %i ports by itself, aligned as a BAR must be", (size) => {
    const { vm, pci, ioport, ports } = new GuestMachine();
    const make = () =>
      commonMakeVirtioNet(
        vm,
        pci,
        ioport,
        { start: 0, end: 0, size },
        IoPortType.Free,
        1,
        LINE,
        new TestBackend().funcs,
      );
    const bases = [make(), make(), make()].map((card) => card.iobase);
    expect(new Set(bases).size).toBe(3);
    for (const base of bases) expect(base % size).toBe(0);
    for (const func of enumeratePci(ports).slice(1)) {
      const bar = firstBar(func);
      expect(bar).toMatchObject({ kind: "io", size });
      expect(bases).toContain(bar.address);
    }
  });

  it("Addr: is at the given ports once firmware turns decoding on, and not before", () => {
    const { vm, pci, ioport, ports } = new GuestMachine();
    const range = { start: 0x6040, end: 0x607f, size: 0 };
    const card = commonMakeVirtioNet(vm, pci, ioport, range, IoPortType.Addr, 4, LINE, new TestBackend().funcs);
    expect(card.iobase).toBe(0x6040);
    expect(ports.in(0x6040, 4)).toBe(ALL_ONES);
    enumeratePci(ports)[1]?.enable();
    expect(ports.in(0x6040, 4)).toBe(card.emul.state.device.featuresLow);
  });

  it("lets an option say which line of the VMM's the pin is wired to", () => {
    const { machine, backend } = makeRig({ card: { irqLine: 300 } });
    expect(cardFunction(machine).interruptLine).toBe(LINE);
    backend.deliver(testFrame(60));
    expect(machine.interrupts.level(300)).toBe(true);
    expect(machine.interrupts.level(LINE)).toBe(false);
  });

  it("puts two cards into one machine that know nothing of each other", () => {
    const first = makeRig();
    const backend = new TestBackend({ mac: parseMac("52:54:00:00:00:02") });
    const { vm, pci, ioport, ports, ram } = first.machine;
    const card = commonMakeVirtioNet(vm, pci, ioport, ANY_PORTS, IoPortType.Free, 1, 10, backend.funcs);
    const driver = GuestNetDriver.probe(ports, ram, {}, 1);
    first.machine.onLine(10, () => driver.onInterrupt());
    driver.start();
    const second = { machine: first.machine, backend, driver };
    expect(card.iobase).not.toBe(first.card.iobase);
    expect([...driver.readMac()]).toEqual([...parseMac("52:54:00:00:00:02")]);
    expectTraffic(first);
    expectTraffic(second);
    expect(first.backend.transmits).toBe(1);
    expect(backend.transmits).toBe(1);
    driver.reset();
    expect(first.card.running).toBe(true);
    expectTraffic(first);
  });
});

describe("commonMakeVirtioNet, wrong arguments", () => {
  interface Arguments {
    readonly range?: { start: number; end: number; size: number };
    readonly type?: IoPortType;
    readonly pin?: number;
    readonly line?: number;
    readonly backend?: object;
    readonly options?: VirtioNetOptions;
  }
  const at = (start: number, end: number): Arguments => ({ range: { start, end, size: 0 }, type: IoPortType.Addr });
  const { rawTx: _left, ...withoutRawTx } = virtioNetDefaultBackend();
  const CASES: [string, Arguments, new (...args: never[]) => Error, string][] = [
    [
      "too few ports",
      { range: { start: 0, end: 0, size: 16 } },
      RangeError,
      '"ioportRange" expected a power of two from 32 to 256 ports, got 16',
    ],
    ["a number of ports that is no power of two", { range: { start: 0, end: 0, size: 33 } }, RangeError, "got 33"],
    ["too many ports", { range: { start: 0, end: 0, size: 512 } }, RangeError, "got 512"],
    ["no number of ports", { range: { start: 0, end: 0, size: Number.NaN } }, RangeError, "got NaN"],
    ["a range of the wrong length", at(0x1000, 0x101e), RangeError, "got 31"],
    ["a misaligned range", at(0x1010, 0x102f), RangeError, '"ioportRange.start" expected a multiple of 32, got 4112'],
    ["a range before port 0", at(-32, -1), IoPortRangeError, "-32"],
    ["a range behind port 0xffff", at(0x1_0000, 0x1_001f), IoPortRangeError, "65536"],
    [
      "ports that are taken",
      at(0xce0, 0xcff),
      IoPortOverlapError,
      '"ioportRange" 0xce0-0xcff for virtio-net overlaps 0xcf8-0xcff',
    ],
    [
      "another way to get ports",
      { type: 7 as IoPortType, ...{ range: { start: 0, end: 31, size: 32 } } },
      TypeError,
      "7",
    ],
    ["pin 0", { pin: 0 }, RangeError, '"interruptPin" expected 1 to 4, got 0'],
    ["pin 5", { pin: 5 }, RangeError, '"interruptPin" expected 1 to 4, got 5'],
    ["half a pin", { pin: 1.5 }, RangeError, "got 1.5"],
    ["line -1", { line: -1 }, RangeError, '"interruptLine" expected 0 to 255, got -1'],
    ["line 256", { line: 256 }, RangeError, "got 256"],
    [
      "a backend without rawTx",
      { backend: withoutRawTx },
      TypeError,
      '"backend.rawTx" expected a function, got undefined',
    ],
    [
      "RX queue size 3",
      { options: { rxQueueSize: 3 } },
      RangeError,
      '"rxQueueSize" expected a power of two from 2 to 32768, got 3',
    ],
    ["RX queue size 1", { options: { rxQueueSize: 1 } }, RangeError, "got 1"],
    ["TX queue size 65536", { options: { txQueueSize: 65536 } }, RangeError, '"txQueueSize" expected'],
    ["TX queue size 0", { options: { txQueueSize: 0 } }, RangeError, "got 0"],
    [
      "a feature that is none",
      { options: { without: ["CHECKSUM" as "MTU"] } },
      TypeError,
      '"without" expected names of features, got "CHECKSUM"',
    ],
    [
      "a PCI address that is taken",
      { options: { pciAddress: { bus: 0, dev: 0, fun: 0 } } },
      PciSlotOccupiedError,
      "00:00.0",
    ],
    ["a PCI address on another bus", { options: { pciAddress: { bus: 1, dev: 2, fun: 0 } } }, PciAddressError, "1"],
  ];

  function make(machine: GuestMachine, wrong: Arguments, backend: TestBackend): () => unknown {
    const { vm, pci, ioport } = machine;
    const { range = ANY_PORTS, type = IoPortType.Free, pin = 1, line = LINE, options } = wrong;
    const funcs = (wrong.backend ?? backend.funcs) as TestBackend["funcs"];
    return () => commonMakeVirtioNet(vm, pci, ioport, range, type, pin, line, funcs, options);
  }

  it.each(CASES)("%s: is refused by name and value, and leaves nothing behind", (_what, wrong, error, message) => {
    const machine = new GuestMachine();
    const backend = new TestBackend();
    expect(make(machine, wrong, backend)).toThrow(error);
    expect(make(machine, wrong, backend)).toThrow(message);
    expect(enumeratePci(machine.ports)).toHaveLength(1);
    expect(machine.ioport.entries()).toHaveLength(1);
    expect(backend.initialised).toBe(false);
  });

  it("no backend: says so", () => {
    const { vm, pci, ioport } = new GuestMachine();
    const nothing = null as unknown as TestBackend["funcs"];
    expect(() => commonMakeVirtioNet(vm, pci, ioport, ANY_PORTS, IoPortType.Free, 1, LINE, nothing)).toThrow(
      '"backend.lowLevelInit" expected a function, got undefined',
    );
    expect(ioport.entries()).toHaveLength(1);
  });

  it.each([
    ["a MAC of five bytes", { mac: new Uint8Array(5) }, '"mac" of the backend expected 6 bytes, got 5'],
    ["MTU 67", { mtu: 67 }, '"mtu" of the backend expected 68 to 65535, got 67'],
    ["MTU 65536", { mtu: 65536 }, "got 65536"],
    ["MTU NaN", { mtu: Number.NaN }, "got NaN"],
  ])("a backend with %s: is refused, and leaves nothing behind", (_what, link, message) => {
    const machine = new GuestMachine();
    expect(make(machine, {}, new TestBackend(link))).toThrow(RangeError);
    expect(make(machine, {}, new TestBackend(link))).toThrow(message);
    expect(enumeratePci(machine.ports)).toHaveLength(1);
    expect(machine.ioport.entries()).toHaveLength(1);
  });

  it("a backend that throws in lowLevelInit: its error comes through, and nothing is left behind", () => {
    const machine = new GuestMachine();
    const lowLevelInit = () => {
      throw new Error("no such interface");
    };
    expect(make(machine, { backend: { ...virtioNetDefaultBackend(), lowLevelInit } }, new TestBackend())).toThrow(
      "no such interface",
    );
    expect(enumeratePci(machine.ports)).toHaveLength(1);
    expect(machine.ioport.entries()).toHaveLength(1);
  });

  it("a bus without a free slot: is refused, and leaves nothing behind", () => {
    const machine = new GuestMachine();
    for (let dev = 1; dev < 32; dev++) machine.pci.addEntry(deviceEntry({ vendorId: 1, deviceId: 1 }));
    expect(make(machine, {}, new TestBackend())).toThrow(PciSpaceFullError);
    expect(machine.ioport.entries()).toHaveLength(1);
  });

  it("two cards at the same ports: the second is refused although the first is not mapped yet", () => {
    const machine = new GuestMachine();
    make(machine, at(0x1000, 0x101f), new TestBackend())();
    expect(make(machine, at(0x1000, 0x101f), new TestBackend())).toThrow(IoPortOverlapError);
    expect(enumeratePci(machine.ports)).toHaveLength(2);
  });
});

describe("the guest's PCI registers", () => {
  it("moves the BAR: traffic goes on at the new place, and nothing is at the old one", () => {
    const rig = makeRig();
    const { machine, card, driver } = rig;
    const old = card.iobase;
    legacy(driver).moveTo(0x6000);
    expect(card.iobase).toBe(0x6000);
    expect(machine.ports.in(old, 4)).toBe(ALL_ONES);
    expect(machine.ports.in(old + VIRTIO_PCI_STATUS, 1)).toBe(0xff);
    expect(driver.transport.readStatus()).toBe(7);
    expectTraffic(rig);
    // Writes to the old place reach nobody.
    machine.ports.out(old + VIRTIO_PCI_STATUS, 1, 0);
    expect(card.running).toBe(true);
  });

  it("keeps working however the BAR is sized and rewritten with decoding on", () => {
    const rig = makeRig();
    const func = cardFunction(rig.machine);
    const base = rig.card.iobase;
    func.write(0x10, 4, ALL_ONES);
    expect(func.read(0x10, 4)).toBe(0xffff_ffe1);
    func.write(0x10, 4, base);
    expectTraffic(rig);
  });

  it("turns I/O decoding off and on in the command register", () => {
    const rig = makeRig();
    const { machine, card } = rig;
    const func = cardFunction(machine);
    func.setIoDecoding(false);
    expect(machine.ports.in(card.iobase, 4)).toBe(ALL_ONES);
    machine.ports.out(card.iobase + VIRTIO_PCI_STATUS, 1, 0);
    expect(card.running).toBe(true);
    func.setIoDecoding(true);
    expectTraffic(rig);
  });

  it("disables INTx: the line stays low, the status bit says it is wanted, and nothing is lost", () => {
    const { machine, backend, driver } = makeRig();
    const func = cardFunction(machine);
    func.setInterruptDisable(true);
    backend.deliver(testFrame(60));
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(func.read(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT).toBe(PCI_STATUS_INTERRUPT);
    func.setInterruptDisable(false);
    expect(machine.interrupts.level(LINE)).toBe(true);
    machine.settle();
    expect(driver.receive()).toEqual(testFrame(60));
    expect(func.read(PCI_STATUS, 2) & PCI_STATUS_INTERRUPT).toBe(0);
  });

  it("a machine reset resets the card: registers, rings, BAR, line; the next driver starts afresh", () => {
    const rig = makeRig();
    const { machine, backend, card, driver } = rig;
    const func = cardFunction(machine);
    const first = card.iobase;
    legacy(driver).moveTo(0x6000);
    driver.writeMac(Uint8Array.of(2, 0, 0, 0, 0, 1));
    expect(card.mac).not.toEqual(TEST_MAC);
    backend.answer = () => TxResult.Enqueued;
    driver.send(testFrame(60));
    const room = backend.allocate(100);
    backend.deliver(testFrame(60));
    expect(machine.interrupts.level(LINE)).toBe(true);

    machine.pci.reset();
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(card.running).toBe(false);
    expect(card.mac).toEqual(TEST_MAC);
    expect(func.command).toBe(0);
    expect(machine.ports.in(0x6000, 4)).toBe(ALL_ONES);
    expect(room?.rangeCount).toBe(0);
    expect(backend.kept[0]?.rangeCount).toBe(0);

    backend.answer = () => TxResult.Complete;
    const again = GuestNetDriver.probe(machine.ports, machine.ram);
    machine.onLine(LINE, () => again.onInterrupt());
    expect(legacy(again).base).toBe(first);
    again.start();
    backend.finish();
    if (room !== null) backend.complete([room, new Uint8Array(0)]);
    backend.sent.length = 0;
    again.send(testFrame(61));
    expect(backend.sent).toEqual([testFrame(61)]);
  });
});

describe("VirtioNet", () => {
  it("reset() is the guest's reset: PCI registers stay", () => {
    const rig = makeRig();
    const { card, driver } = rig;
    card.reset();
    expect(driver.transport.readStatus()).toBe(0);
    driver.start();
    expectTraffic(rig);
  });

  it("poll() sends what waits without a notification and lets the backend look for work", () => {
    const { card, driver, backend } = makeRig();
    driver.send(testFrame(60), { kick: "never" });
    expect(backend.sent).toEqual([]);
    const polls = backend.polls;
    card.poll();
    expect(backend.sent).toEqual([testFrame(60)]);
    expect(backend.polls).toBe(polls + 1);
  });

  it("close() takes the card out of the machine, frames that are out included; twice is once", () => {
    const { machine, card, driver, backend } = makeRig();
    backend.answer = () => TxResult.Enqueued;
    driver.send(testFrame(60));
    const room = backend.allocate(100);
    backend.deliver(testFrame(60));
    expect(machine.interrupts.level(LINE)).toBe(true);
    card.close();
    card.close();
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(enumeratePci(machine.ports)).toHaveLength(1);
    expect(machine.ioport.entries()).toHaveLength(1);
    expect(machine.ports.in(card.iobase, 4)).toBe(ALL_ONES);
    expect(card.running).toBe(false);

    const before = machine.ram.read(0, 16 << 20);
    backend.finish();
    if (room !== null) backend.complete([room, new Uint8Array(0)]);
    expect(backend.deliver(testFrame(60))).toBe(false);
    card.setLink(false);
    const polls = backend.polls;
    card.poll();
    machine.vm.memory.addRegion({ gpa: 1 << 30, size: 4096, buffer: new ArrayBuffer(4096) });
    expect(backend.polls).toBe(polls);
    expect(machine.interrupts.level(LINE)).toBe(false);
    expect(Buffer.compare(machine.ram.read(0, 16 << 20), before)).toBe(0);
  });

  it("close() ends the card's watch over guest memory", () => {
    const machine = new GuestMachine();
    const { vm, pci, ioport } = machine;
    const { memory } = vm;
    const onChange = memory.onChange.bind(memory);
    let watching = 0;
    memory.onChange = (listener) => {
      watching++;
      const stop = onChange(listener);
      return () => {
        watching--;
        stop();
      };
    };
    const card = commonMakeVirtioNet(vm, pci, ioport, ANY_PORTS, IoPortType.Free, 1, LINE, new TestBackend().funcs);
    expect(watching).toBe(1);
    card.close();
    expect(watching).toBe(0);
  });

  it("close() leaves room for another card at the same place", () => {
    const { machine, card } = makeRig();
    card.close();
    const { vm, pci, ioport } = machine;
    const backend = new TestBackend();
    const range = { start: card.iobase, end: card.iobase + 31, size: 0 };
    const other = commonMakeVirtioNet(vm, pci, ioport, range, IoPortType.Addr, 1, 10, backend.funcs, {
      pciAddress: card.pciAddress,
    });
    const driver = GuestNetDriver.probe(machine.ports, machine.ram);
    machine.onLine(10, () => driver.onInterrupt());
    driver.start();
    expect(other.pciAddress).toEqual(card.pciAddress);
    expectTraffic({ machine, backend, driver });
  });
});
