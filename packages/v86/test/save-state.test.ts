/* v86's state and vmmkit's in one: a guest that goes on in another emulator. */
import type { VirtioNet } from "@vmmkit/virtio-net";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type AddVirtioNetOptions,
  addVirtioNet,
  attachVmmkit,
  restoreState,
  saveState,
  type V86Machine,
  V86StateError,
} from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";

const READY = 0x600;
const GO = 0x604;
const COUNT = 0x608;
const STATUS_SEEN = 0x60c;
const ISR_SEEN = 0x610;
const ID_SEEN = 0x614;
const DONE = 0x618;
const PORT = 0xd000;
const STATUS = PORT + 0x12;
const ISR = PORT + 0x13;
/** Feature 34, in the upper word. */
const RING_PACKED = 1 << 2;
/** Feature STATUS. */
const F_STATUS = 1 << 16;

/**
 * Sets its card up and waits, deaf to interrupts, with the address of the card's configuration space written, until GO.
 * Then it reads that space, and takes what interrupts there are.
 */
function firmware(): Firmware {
  const code = new Firmware();
  // As a BIOS does: v86 cannot restore an IDE controller without drives whose BARs nobody has touched.
  for (const bar of [0x10, 0x14, 0x18, 0x1c]) code.configWrite(30, bar, 0);
  return code
    .initInterruptControllers(0x0c00)
    .onInterrupt(0x2a, "irq10")
    .configWrite(1, 0x60, 0x8080_0a80)
    .configWrite(2, 0x10, PORT)
    .configWrite(2, 4, 1, 2)
    .out(1, STATUS, 3)
    .out(4, PORT + 4, F_STATUS)
    .out(1, STATUS, 7)
    .out(4, 0xcf8, 0x8000_1000)
    .store(READY, 1)
    .label("wait")
    .skipUnlessEqual(GO, 1, "wait")
    .in(4, 0xcfc, ID_SEEN)
    .in(1, STATUS, STATUS_SEEN)
    .sti()
    .store(DONE, 1)
    .label("rest")
    .hlt()
    .jump("rest")
    .label("irq10")
    .increment(COUNT)
    .in(1, ISR, ISR_SEEN)
    .endOfInterrupt()
    .iret();
}

interface World {
  readonly guest: TestEmulator;
  readonly machine: V86Machine;
  readonly card: VirtioNet;
}

const worlds: World[] = [];

afterEach(async () => {
  for (const { guest } of worlds.splice(0)) await guest.destroy();
});

async function start(cards = 1, options: AddVirtioNetOptions = {}): Promise<World> {
  const guest = await TestEmulator.load(firmware());
  const machine = attachVmmkit(guest.emulator);
  const all = Array.from({ length: cards }, () => addVirtioNet(machine, virtioNetDefaultBackend(), options));
  const world = { guest, machine, card: all[0] as VirtioNet };
  worlds.push(world);
  return world;
}

function write32({ guest }: World, address: number, value: number): void {
  new DataView(guest.cpu.wasm_memory.buffer).setUint32(guest.cpu.mem8.byteOffset + address, value, true);
}

/** A guest whose card waits for it to take an interrupt, and its state. */
async function save(): Promise<{ world: World; state: ArrayBuffer }> {
  const world = await start();
  await world.guest.runUntil(READY, 1);
  world.card.setLink(false);
  const state = await saveState(world.guest.emulator, world.machine);
  return { world, state };
}

async function expectGoesOn(world: World): Promise<void> {
  expect(world.guest.read32(COUNT)).toBe(0);
  write32(world, GO, 1);
  await world.guest.runUntil(DONE, 1);
  await world.guest.runUntil(COUNT, 1);
  expect(world.guest.read32(ID_SEEN)).toBe(0x1000_1af4);
  expect(world.guest.read32(STATUS_SEEN)).toBe(7);
  expect(world.guest.read32(ISR_SEEN)).toBe(2);
}

describe("saveState and restoreState", () => {
  it("a guest goes on in another emulator: card, ports, half an access, and an interrupt that it has not taken", async () => {
    const { world, state } = await save();
    await world.guest.destroy();
    worlds.length = 0;
    const there = await start();
    await restoreState(there.guest.emulator, there.machine, state);
    expect(there.card.iobase).toBe(PORT);
    expect(there.card.running).toBe(true);
    await expectGoesOn(there);
  });

  it("and where it was saved, as if nothing had happened", async () => {
    const { world } = await save();
    await expectGoesOn(world);
  });

  it("back to where it was, in an emulator that has run on since", async () => {
    const { world, state } = await save();
    await expectGoesOn(world);
    // Bytes may lie anywhere in a file that was read.
    const file = Buffer.alloc(state.byteLength + 7);
    file.set(new Uint8Array(state), 7);
    await restoreState(world.guest.emulator, world.machine, file.subarray(7));
    await expectGoesOn(world);
  });

  it("a line that was high when the guest was saved and that nobody drives now is low", async () => {
    const { world, state } = await save();
    const there = await start();
    await world.guest.destroy();
    worlds.shift();
    const machine = {
      ...there.machine,
      prepare: (saved: unknown) => {
        const tampered = JSON.parse(JSON.stringify(saved)) as ReturnType<V86Machine["save"]>;
        const [own] = tampered.pci.functions;
        if (own === undefined) throw new Error("no card in the state");
        Object.assign(own.state, { intx: false, device: { ...(own.state["device"] as object), isr: 0, status: 0 } });
        return there.machine.prepare(tampered);
      },
    } as V86Machine;
    await restoreState(there.guest.emulator, machine, state);
    write32(there, GO, 1);
    await there.guest.runUntil(DONE, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(there.guest.read32(COUNT)).toBe(0);
  });

  it("refuses what it did not make, and what does not fit, before anything changes", async () => {
    const { state } = await save();
    const there = await start(2);
    await there.guest.runUntil(READY, 1);
    const before = JSON.stringify(there.machine.save());
    const bytes = new Uint8Array(state);
    const at = (offset: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      copy[offset] = value;
      return copy;
    };
    const bad: [string, Uint8Array, new (message: string) => Error][] = [
      ["a header", bytes.subarray(0, 15), V86StateError],
      ["is not one", at(0, 0), V86StateError],
      ["version 1", at(8, 2), V86StateError],
      ["ends after", at(15, 0x7f), V86StateError],
      ["no machine's state", at(16, 0x20 + 7), V86StateError],
      ["functions.length", bytes, RangeError],
    ];
    for (const [message, file, kind] of bad) {
      const attempt = restoreState(there.guest.emulator, there.machine, file);
      await expect(attempt).rejects.toThrow(kind);
      await expect(attempt).rejects.toThrow(message);
    }
    expect(JSON.stringify(there.machine.save())).toBe(before);
    await expectQuiet(there);
  });

  it("refuses the state of a guest with packed rings where they are not on offer, and takes it where they are", async () => {
    const { guest, machine } = await start(1, { packed: true });
    await guest.runUntil(READY, 1);
    const state = JSON.parse(JSON.stringify(machine.save())) as ReturnType<V86Machine["save"]>;
    const [card] = state.pci.functions;
    // The firmware's driver is a legacy one. Of what a modern one accepted, this is what the machines differ in.
    Object.assign(card?.state["device"] as object, { featuresHigh: RING_PACKED });
    machine.restore(state);
    expect(machine.save().pci.functions[0]?.state["device"]).toMatchObject({ featuresHigh: RING_PACKED });
    const without = await start();
    const before = without.machine.save();
    expect(() => without.machine.restore(state)).toThrow(new RangeError('"featuresHigh" are not all on offer: 0x4'));
    expect(without.machine.save()).toEqual(before);
  });

  it("refuses a machine's state of another size of memory, or with levels that are none", async () => {
    const { machine } = await start();
    const state = machine.save();
    expect(() => machine.restore({ ...state, memoryBytes: 32 << 20 })).toThrow('"memoryBytes');
    expect(() => machine.restore({ ...state, irqs: { ...state.irqs, ours: [2] } })).toThrow('"irqs.ours');
    expect(() => machine.restore({ ...state, version: 0 })).toThrow('"version');
    machine.restore(state);
    expect(machine.save()).toEqual(state);
  });
});

/** The guest runs on. */
async function expectQuiet(world: World): Promise<void> {
  write32(world, GO, 1);
  await world.guest.runUntil(DONE, 1);
  expect(world.guest.read32(STATUS_SEEN)).toBe(7);
}
