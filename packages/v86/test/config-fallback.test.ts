import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { TOY_ID, ToyFunction } from "./support/toy-function.ts";

const DONE = 0x600;
const RESULT = 0x610;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

async function run(firmware: Firmware): Promise<{ guest: TestEmulator; toy: ToyFunction }> {
  guest = await TestEmulator.load(firmware.store(DONE, 1).stop());
  const toy = new ToyFunction(attachVmmkit(guest.emulator));
  expect(toy.address.dev).toBe(2);
  await guest.runUntil(DONE, 1);
  return { guest, toy };
}

describe("configuration ports", () => {
  it("show our function and v86's side by side", async () => {
    const { guest } = await run(
      new Firmware()
        .configRead(2, 0, RESULT)
        .configRead(0, 0, RESULT + 4)
        .configRead(1, 0, RESULT + 8),
    );
    expect(guest.read32(RESULT)).toBe(TOY_ID);
    expect(guest.read32(RESULT + 4)).toBe(0x1237_8086);
    expect(guest.read32(RESULT + 8)).toBe(0x7000_8086);
  });

  it("answer all ones for functions that nobody has, on any bus, and with the enable bit off", async () => {
    const { guest } = await run(
      new Firmware()
        .configRead(3, 0, RESULT)
        .out(4, 0xcf8, 0x8001_0000)
        .in(4, 0xcfc, RESULT + 4)
        .out(4, 0xcf8, 0x0000_0000)
        .in(4, 0xcfc, RESULT + 8),
    );
    expect([0, 4, 8].map((at) => guest.read32(RESULT + at))).toEqual([0xffff_ffff, 0xffff_ffff, 0xffff_ffff]);
  });

  it("ignore writes to functions that nobody has, at every width", async () => {
    const { guest } = await run(
      new Firmware().configWrite(3, 0x40, 1, 1).configWrite(3, 0x40, 1, 2).configWrite(3, 0x40, 1).store(RESULT, 7),
    );
    expect(guest.read32(RESULT)).toBe(7);
  });

  it("let v86's registers be written and read at every width", async () => {
    const { guest } = await run(
      new Firmware()
        .configWrite(1, 0x60, 0x0b0a_0908)
        .configWrite(1, 0x61, 0x05, 1)
        .configWrite(1, 0x62, 0x0706, 2)
        .configRead(1, 0x60, RESULT)
        .in(1, 0xcff, RESULT + 4)
        .in(2, 0xcfe, RESULT + 8),
    );
    expect(guest.read32(RESULT)).toBe(0x0706_0508);
    expect(guest.read32(RESULT + 4)).toBe(0x07);
    expect(guest.read32(RESULT + 8)).toBe(0x0706);
  });

  it("read our registers at every width", async () => {
    const { guest } = await run(
      new Firmware()
        .configRead(2, 0, RESULT)
        .in(1, 0xcfd, RESULT + 4)
        .in(2, 0xcfe, RESULT + 8)
        .in(4, 0xcf8, RESULT + 12),
    );
    expect(guest.read32(RESULT + 4)).toBe(0x5e);
    expect(guest.read32(RESULT + 8)).toBe(0x1234);
    expect(guest.read32(RESULT + 12)).toBe(0x8000_1000);
  });

  it("do not take a pair of addresses for a reset, as v86 would", async () => {
    // Functions 2 and 6 of device 0: bits 9 and 10 of the address are those of the reset register.
    const { guest, toy } = await run(
      new Firmware().out(4, 0xcf8, 0x8000_0200).in(4, 0xcfc, RESULT).out(4, 0xcf8, 0x8000_0600).in(4, 0xcfc, RESULT),
    );
    expect(toy.resets).toBe(0);
    expect(guest.read32(RESULT)).toBe(0xffff_ffff);
  });
});
