import { expect, it } from "vitest";
import { ADDRESS, type ControlLab, type GuestName } from "../support/control-lab.ts";
import { fetchFile } from "../support/traffic.ts";

const FULL_FRAME_BYTES = 1514;

/** What is turned off, and whether the guest's card then takes or gives long frames. */
const STEPS: readonly (readonly [off: string, longOut: boolean, longIn: boolean])[] = [
  ["tx-tcp-ecn-segmentation", true, true],
  ["rx-gro-hw", true, false],
  ["tso", false, true],
  ["sg", false, true],
  ["tx", false, true],
  ["tx rx-gro-hw gro", false, false],
];

/** Offloads one by one, each with files both ways. */
export function offloadTests(lab: () => ControlLab): void {
  async function exchange(name: GuestName): Promise<{ out: number; in: number }> {
    const { files, [name]: guest } = lab();
    const other = name === "alice" ? "bob" : "alice";
    const { transmit, receive } = guest.card(0).counters;
    const before = [transmit.bytes, transmit.frames, receive.bytes, receive.frames] as const;
    expect(await fetchFile(guest, ADDRESS[other], files[other])).toBe(files[other].md5);
    const received = (receive.bytes - before[2]) / (receive.frames - before[3]);
    const middle = [transmit.bytes, transmit.frames] as const;
    expect(await fetchFile(lab()[other], ADDRESS[name], files[name])).toBe(files[name].md5);
    return { out: (transmit.bytes - middle[0]) / (transmit.frames - middle[1]), in: received };
  }

  it.each(STEPS)("alice without %s", async (off, longOut, longIn) => {
    const { alice } = lab();
    await alice.sh(`ethtool -K eth0 ${off.replaceAll(/\S+/g, "$& off")}`);
    const mean = await exchange("alice");
    expect([mean.out > FULL_FRAME_BYTES, mean.in > FULL_FRAME_BYTES]).toEqual([longOut, longIn]);
    await alice.sh("ethtool -K eth0 tx on sg on tso on rx-gro-hw on gro on tx-tcp-ecn-segmentation on");
  });

  it("alice with all of them again", async () => {
    const mean = await exchange("alice");
    expect([mean.out > FULL_FRAME_BYTES, mean.in > FULL_FRAME_BYTES]).toEqual([true, true]);
  });

  it("through the legacy interface: all off, and on again", async () => {
    const { bob } = lab();
    await bob.sh("ethtool -K eth0 tx off rx-gro-hw off");
    const without = await exchange("bob");
    expect([without.out > FULL_FRAME_BYTES, without.in > FULL_FRAME_BYTES]).toEqual([false, false]);
    await bob.sh("ethtool -K eth0 tx on tso on rx-gro-hw on");
    const again = await exchange("bob");
    expect([again.out > FULL_FRAME_BYTES, again.in > FULL_FRAME_BYTES]).toEqual([true, true]);
  });
}
