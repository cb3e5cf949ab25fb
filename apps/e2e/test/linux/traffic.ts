import { expect, it } from "vitest";
import type { CardGuest } from "../support/card-guest.ts";
import type { Lab } from "../support/lab.ts";
import { fetchFile, noLoss, ping } from "../support/traffic.ts";

/** Frames go both ways, to one and to all. */
export function trafficTests(lab: () => Lab): void {
  it("20 pings, none lost", async () => {
    expect(await ping(lab().alice, "10.0.0.2", { count: 20 })).toEqual(noLoss(20));
  });

  it("a file comes in and one goes out, and their checksums hold", async () => {
    const { alice, bob, large } = lab();
    expect(await fetchFile(alice, "10.0.0.2", large.bob)).toBe(large.bob.md5);
    expect(await fetchFile(bob, "10.0.0.1", large.alice)).toBe(large.alice.md5);
  });

  it("both directions at once", async () => {
    const { alice, bob, small } = lab();
    const sums = await Promise.all([fetchFile(alice, "10.0.0.2", small.bob), fetchFile(bob, "10.0.0.1", small.alice)]);
    expect(sums).toEqual([small.bob.md5, small.alice.md5]);
  });

  it("three guests ping each other at once", async () => {
    const { alice, bob, carol } = lab();
    const results = await Promise.all([ping(alice, "10.0.0.2"), ping(bob, "10.0.0.3"), ping(carol, "10.0.0.1")]);
    expect(results).toEqual([noLoss(5), noLoss(5), noLoss(5)]);
  });

  it("a broadcast reaches the two others", async () => {
    const { alice, bob, carol } = lab();
    const before = await Promise.all([bob, carol].map(received));
    await alice.sh("arping -b -c 3 -w 30 -I eth0 10.0.0.2");
    const after = await Promise.all([bob, carol].map(received));
    for (const [i, count] of after.entries()) expect(count - (before[i] ?? 0)).toBeGreaterThanOrEqual(3);
  });

  it("a DHCP client is served by another guest", async () => {
    const { bob, carol } = lab();
    await bob.sh(`mkdir -p /var/lib/misc && touch /var/lib/misc/udhcpd.leases
printf 'interface eth0\\nstart 10.0.0.40\\nend 10.0.0.40\\npidfile /run/udhcpd.pid\\n' >/etc/udhcpd.conf && udhcpd`);
    const said = await carol.sh("udhcpc -n -q -f -t 10 -T 5 -i eth0 -s /bin/true 2>&1");
    await bob.sh("kill $(cat /run/udhcpd.pid)");
    expect(said).toContain("lease of 10.0.0.40 obtained");
  });

  it("the guest counted the frames that the card counted", async () => {
    const { alice } = lab();
    const { transmit, receive } = alice.card(0).counters;
    const seen = await alice.sh("cd /sys/class/net/eth0/statistics; cat tx_packets tx_bytes rx_packets rx_bytes");
    expect(seen.split("\n").map(Number)).toEqual([transmit.frames, transmit.bytes, receive.frames, receive.bytes]);
  });

  it("nothing was refused, dropped or stopped, and there were fewer interrupts than frames", () => {
    const { transmit, receive, transmitQueue, receiveQueue } = lab().alice.card(0).counters;
    const trouble = [transmit.dropped, receive.dropped, transmitQueue.refused, receiveQueue.refused];
    expect(trouble.flatMap((causes) => Object.values(causes)).every((count) => count === 0)).toBe(true);
    expect(transmitQueue.stopped + receiveQueue.stopped).toBe(0);
    expect(transmitQueue.interrupts).toBeLessThan(transmit.frames);
    expect(receiveQueue.interrupts).toBeLessThan(receive.frames);
  });
}

async function received(guest: CardGuest): Promise<number> {
  return Number(await guest.sh("cat /sys/class/net/eth0/statistics/rx_packets"));
}
