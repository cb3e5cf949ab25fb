import { afterEach, describe, expect, it } from "vitest";
import { attachVmmkit } from "../src/index.ts";
import { TestEmulator } from "./support/emulator.ts";
import { Firmware } from "./support/firmware.ts";
import { ToyFunction } from "./support/toy-function.ts";

const DONE = 0x600;
const RESULT = 0x610;
const DECODE_PORTS = 1;
const BAR0 = 0x10;

let guest: TestEmulator | undefined;

afterEach(async () => {
  await guest?.destroy();
  guest = undefined;
});

async function run(firmware: Firmware): Promise<{ guest: TestEmulator; toy: ToyFunction; results: number[] }> {
  guest = await TestEmulator.load(firmware.store(DONE, 1).stop(), { net_device: { type: "ne2k" } });
  const own = guest;
  const toy = new ToyFunction(attachVmmkit(guest.emulator));
  await guest.runUntil(DONE, 1);
  return { guest, toy, results: [0, 4, 8, 12].map((at) => own.read32(RESULT + at)) };
}

describe("a BAR in v86's port table", () => {
  it("answers at every width where the guest put it", async () => {
    const { toy, results } = await run(
      new Firmware()
        .configWrite(2, BAR0, 0xd000)
        .configWrite(2, 4, DECODE_PORTS, 2)
        .in(1, 0xd003, RESULT)
        .in(2, 0xd002, RESULT + 4)
        .in(4, 0xd001, RESULT + 8)
        .out(1, 0xd005, 0x1ff)
        .out(2, 0xd006, 0x1_fffe)
        .out(4, 0xd008, 0xffff_fffd),
    );
    expect(results.slice(0, 3)).toEqual([0x03, 0x0302, 0x0403_0201]);
    expect(toy.writes).toEqual([
      { offset: 5, size: 1, value: 0xff },
      { offset: 6, size: 2, value: 0xfffe },
      { offset: 8, size: 4, value: 0xffff_fffd },
    ]);
  });

  it("moves, and the old ports are v86's again", async () => {
    const { results } = await run(
      new Firmware()
        .configWrite(2, BAR0, 0xd000)
        .configWrite(2, 4, DECODE_PORTS, 2)
        .configWrite(2, BAR0, 0xd100)
        .in(1, 0xd001, RESULT)
        .in(1, 0xd101, RESULT + 4)
        .configWrite(2, 4, 0, 2)
        .in(1, 0xd101, RESULT + 8),
    );
    expect(results.slice(0, 3)).toEqual([0xff, 0x01, 0xff]);
  });

  it("splits an access across its end into bytes", async () => {
    const { toy, results } = await run(
      new Firmware()
        .configWrite(2, BAR0, 0xd000)
        .configWrite(2, 4, DECODE_PORTS, 2)
        .in(4, 0xd00e, RESULT)
        .out(2, 0xd00f, 0x1234),
    );
    expect(results[0]).toBe(0xffff_0f0e);
    expect(toy.writes).toEqual([{ offset: 15, size: 1, value: 0x34 }]);
  });

  it("stays on top when v86's own card is moved onto it and away, and gives those ports back", async () => {
    const NE2K = 5;
    const { results } = await run(
      new Firmware()
        .configWrite(2, BAR0, 0xd000)
        .configWrite(2, 4, DECODE_PORTS, 2)
        .configWrite(NE2K, BAR0, 0xd000)
        .in(1, 0xd001, RESULT)
        .configWrite(2, 4, 0, 2)
        .in(1, 0xd001, RESULT + 4)
        .configWrite(2, 4, DECODE_PORTS, 2)
        .configWrite(NE2K, BAR0, 0xd800)
        .in(1, 0xd001, RESULT + 8)
        .configWrite(2, 4, 0, 2)
        .in(1, 0xd001, RESULT + 12),
    );
    const [ours, theirs, oursAgain, nobody] = results;
    expect(ours).toBe(0x01);
    expect(theirs).not.toBe(0x01);
    expect(theirs).not.toBe(0xff);
    expect(oursAgain).toBe(0x01);
    expect(nobody).toBe(0xff);
  });
});
