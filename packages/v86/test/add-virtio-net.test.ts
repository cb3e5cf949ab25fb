import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { afterEach, describe, expect, it } from "vitest";
import { type AddVirtioNetOptions, addVirtioNet, attachVmmkit } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";

/** VIRTIO_F_RING_PACKED, bit 34, in the second word of the features. */
const RING_PACKED = 1 << 2;
const DONE = 0x600;
const RESULT = 0x610;
const PORT = 0xd000;
const STATUS = PORT + 0x12;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

describe("addVirtioNet", () => {
  it("puts a network card where the guest finds it, resets it with the machine, and takes it away", async () => {
    const firmware = new Firmware()
      .configRead(2, 0, RESULT)
      .configRead(2, 0x3c, RESULT + 4)
      .configWrite(2, 0x10, PORT)
      .configWrite(2, 4, 1, 2)
      .in(4, PORT + 0x14, RESULT + 8)
      .out(1, STATUS, 3)
      .in(1, STATUS, RESULT + 12)
      .store(DONE, 1)
      .stop();
    guest = await TestEmulator.load(firmware);
    const { emulator } = guest;
    const machine = attachVmmkit(emulator);
    const mac = Uint8Array.of(2, 0, 0, 4, 5, 6);
    const backend = virtioNetDefaultBackend();
    const card = addVirtioNet(machine, { ...backend, lowLevelInit: () => ({ mac, mtu: 1500 }) });
    await guest.runUntil(DONE, 1);
    expect(guest.read32(RESULT)).toBe(0x1000_1af4);
    expect(guest.read32(RESULT + 4) & 0xffff).toBe(0x01ff);
    expect(guest.read32(RESULT + 8)).toBe(0x0400_0002);
    expect(guest.read32(RESULT + 12)).toBe(3);
    expect(card.iobase).toBe(PORT);
    expect(card.emul.state.status).toBe(3);
    emulator.restart();
    expect(card.emul.state.status).toBe(0);
    card.close();
    expect(machine.pci.findDevice(card.pciAddress)).toBeNull();
  });

  it("gives each card a slot, ports and an interrupt of its own", async () => {
    guest = await TestEmulator.load(new Firmware().stop());
    const machine = attachVmmkit(guest.emulator);
    const cards = [1, 2, 3].map(() => addVirtioNet(machine, virtioNetDefaultBackend()));
    expect(cards.map((card) => card.pciAddress.dev)).toEqual([2, 3, 4]);
    expect(new Set(cards.map((card) => card.iobase)).size).toBe(3);
  });

  it("offers packed rings only where it is told to", async () => {
    guest = await TestEmulator.load(new Firmware().stop());
    const machine = attachVmmkit(guest.emulator);
    const offers = (options: AddVirtioNetOptions): boolean => {
      const { state } = addVirtioNet(machine, virtioNetDefaultBackend(), options).emul;
      return (state.offered(1, "modern") & RING_PACKED) !== 0;
    };
    expect([offers({}), offers({ packed: true }), offers({ without: ["RING_RESET"] })]).toEqual([false, true, false]);
  });

  it("refuses a pin that there is not", async () => {
    guest = await TestEmulator.load(new Firmware().stop());
    const machine = attachVmmkit(guest.emulator);
    expect(() => addVirtioNet(machine, virtioNetDefaultBackend(), { interruptPin: 5 })).toThrow('"pin" expected');
  });
});
