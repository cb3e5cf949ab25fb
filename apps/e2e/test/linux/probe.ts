import { formatMac } from "@vmmkit/ethif";
import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";

/**
 * Bits of CSUM, GUEST_CSUM, CTRL_GUEST_OFFLOADS, MTU, MAC, what is segmented in both directions, MRG_RXBUF, STATUS,
 * CTRL_VQ, CTRL_RX, CTRL_VLAN, GUEST_ANNOUNCE, CTRL_MAC_ADDR, ANY_LAYOUT, INDIRECT_DESC, EVENT_IDX. Linux does not
 * know CTRL_RX_EXTRA.
 */
const ALL_FEATURES = [0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 23, 27, 28, 29];

/** The guest finds the cards. */
export function probeTests(lab: () => Lab): void {
  it("Linux takes the card for one of the legacy interface", async () => {
    const log = await lab().alice.sh("dmesg | grep virtio-pci");
    expect(log).toContain("0000:00:02.0: virtio_pci: leaving for legacy driver");
    expect(log).toContain("0000:00:06.0: virtio_pci: leaving for legacy driver");
  });

  it("the driver accepts every feature on offer that it knows", async () => {
    const bits = await lab().alice.sh("cat /sys/bus/virtio/devices/virtio0/features");
    expect(bitNumbers(bits)).toEqual(ALL_FEATURES);
  });

  it("the registers are claimed where the cards have them", async () => {
    const { alice } = lab();
    const claimed = await alice.sh("grep virtio-pci-legacy /proc/ioports");
    const starts = [...claimed.matchAll(/([0-9a-f]+)-/g)].map((match) => Number.parseInt(match[1] ?? "", 16));
    expect(starts.sort()).toEqual(alice.cards.map((card) => card.iobase).sort());
  });

  it("`ip link` shows our MAC and MTU", async () => {
    const { alice } = lab();
    const links = await alice.sh("ip link show eth0; ip link show eth1");
    const shown = [...links.matchAll(/mtu (\d+)[\s\S]*?ether ([0-9a-f:]+)/g)].map((match) => match.slice(1, 3));
    expect(shown).toEqual([
      ["1500", formatMac(alice.card(0).mac)],
      ["65535", formatMac(alice.card(1).mac)],
    ]);
  });

  it("two cards of one guest share an interrupt", async () => {
    expect(await lab().alice.sh("cat /proc/interrupts")).toMatch(/virtio0, virtio1/);
  });
}

/** Numbers of the bits that are set in what sysfs shows as `features`: bit 0 first. */
export function bitNumbers(features: string): number[] {
  return [...features].flatMap((bit, i) => (bit === "1" ? [i] : []));
}
