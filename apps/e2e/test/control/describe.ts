import { expect, it } from "vitest";
import { bitNumbers } from "../linux/probe.ts";
import { pciFolder } from "../support/card-guest.ts";
import type { ControlLab } from "../support/control-lab.ts";

/** Features of `ethtool -k` that Linux turns on for a card with all offloads. */
const ON = ["tx-checksumming", "scatter-gather", "tcp-segmentation-offload", "rx-gro-hw"];

/** What Linux 6.1 takes of a modern card beside what everybody knows: RING_PACKED, HASH_REPORT, RSS. */
const TAKEN = [34, 57, 60];
/** What it does not know yet: GUEST_USO4, GUEST_USO6, HOST_USO, GUEST_HDRLEN. */
const UNKNOWN = [54, 55, 56, 59];

/** What the driver says of the card. */
export function describeTests(lab: () => ControlLab): void {
  it("-i names virtio_net and the card's place on the bus", async () => {
    const { alice, bob } = lab();
    for (const guest of [alice, bob]) {
      const info = await guest.sh("ethtool -i eth0");
      expect(info).toContain("driver: virtio_net");
      expect(info).toContain(`bus-info: ${pciFolder(guest.card(0)).slice(-12)}`);
    }
  });

  it("speed and duplex are what the card was told to say, and unknown where it was not", async () => {
    const { alice, bob } = lab();
    const said = await alice.sh("ethtool eth0");
    expect(said).toContain("Speed: 10000Mb/s");
    expect(said).toContain("Duplex: Full");
    expect(said).toContain("Link detected: yes");
    expect(await bob.sh("ethtool eth0")).toContain("Speed: Unknown!");
  });

  it("a modern driver has packed virtqueues, RSS and hashes in its headers; USO and GUEST_HDRLEN it does not know", async () => {
    const bits = bitNumbers(await lab().alice.sh("cat /sys/class/net/eth0/device/features"));
    expect(bits.filter((bit) => TAKEN.includes(bit))).toEqual(TAKEN);
    expect(bits.filter((bit) => UNKNOWN.includes(bit))).toEqual([]);
  });

  it("-k: the offloads are on, and VLANs are filtered by the card", async () => {
    const { alice, bob } = lab();
    for (const guest of [alice, bob]) {
      const features = await guest.sh("ethtool -k eth0");
      for (const name of ON) expect(features).toContain(`${name}: on`);
      expect(features).toContain("rx-vlan-filter: on [fixed]");
      expect(features).toContain("rx-checksumming: on");
    }
  });
}
