import { expect, it } from "vitest";
import type { CardGuest } from "../support/card-guest.ts";
import { ADDRESS, type ControlLab, type GuestName } from "../support/control-lab.ts";
import { fetchFile } from "../support/traffic.ts";

const FULL_FRAME_BYTES = 1514;

/** What is turned off, and whether the guest's card then still sends and receives long frames. */
const STEPS: readonly (readonly [off: string, longOut: boolean, longIn: boolean])[] = [
  ["tx-tcp-ecn-segmentation", true, true],
  ["tso", false, true],
  ["gso", true, true],
  ["sg", false, true],
  ["tx", false, true],
  ["gro", true, true],
  ["rx-gro-hw", true, false],
  ["tx rx-gro-hw gro", false, false],
];

/** Offloads off and on again, each with files both ways. What Linux turns off along with one is off in between, too. */
export function offloadTests(lab: () => ControlLab): void {
  /** Bytes a frame, of a file that goes out and of one that comes in: both whole. */
  async function exchange(name: GuestName): Promise<readonly [out: number, inward: number]> {
    const { files, [name]: guest } = lab();
    const other = name === "alice" ? "bob" : "alice";
    const inward = await meanOf(guest, "receive", async () => {
      expect(await fetchFile(guest, ADDRESS[other], files[other])).toBe(files[other].md5);
    });
    const out = await meanOf(guest, "transmit", async () => {
      expect(await fetchFile(lab()[other], ADDRESS[name], files[name])).toBe(files[name].md5);
    });
    return [out, inward];
  }

  async function expectLong(name: GuestName, longOut: boolean, longIn: boolean): Promise<void> {
    const [out, inward] = await exchange(name);
    expect([out > FULL_FRAME_BYTES, inward > FULL_FRAME_BYTES]).toEqual([longOut, longIn]);
  }

  it.each(STEPS)("a modern driver without %s", async (off, longOut, longIn) => {
    const { alice } = lab();
    await alice.sh(`ethtool -K eth0 ${off.replaceAll(/\S+/g, "$& off")}`);
    await expectLong("alice", longOut, longIn);
    await alice.sh("ethtool -K eth0 tx on sg on tso on gso on gro on rx-gro-hw on tx-tcp-ecn-segmentation on");
  });

  it("rx: Linux 6.1 does not let go of it", async () => {
    await expect(lab().alice.sh("ethtool -K eth0 rx off")).rejects.toThrow(/Could not change any/);
  });

  it("a modern driver with all of them again", () => expectLong("alice", true, true));

  it("through the legacy interface: all off, and on again", async () => {
    const { bob } = lab();
    await bob.sh("ethtool -K eth0 tx off rx-gro-hw off");
    await expectLong("bob", false, false);
    await bob.sh("ethtool -K eth0 tx on sg on tso on rx-gro-hw on");
    await expectLong("bob", true, true);
  });
}

/** Mean length in bytes of the frames that a guest's card carries in a direction meanwhile. */
async function meanOf(guest: CardGuest, direction: "receive" | "transmit", run: () => Promise<void>): Promise<number> {
  const before = { ...guest.card(0).counters[direction] };
  await run();
  const { bytes, frames } = guest.card(0).counters[direction];
  return (bytes - before.bytes) / (frames - before.frames);
}
