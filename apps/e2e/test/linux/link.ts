import { formatMac } from "@vmmkit/ethif";
import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";
import { noLoss, ping, waitUntil } from "../support/traffic.ts";

const OTHER_MAC = "02:aa:bb:cc:dd:ee";
const CARRIER = "/sys/class/net/eth0/carrier";

/** The link's state and the card's address, while the guest runs. */
export function linkTests(lab: () => Lab): void {
  it("the guest sees the link go and come back", async () => {
    const { alice } = lab();
    const card = alice.card(0);
    expect(await alice.sh(`cat ${CARRIER}`)).toBe("1");
    card.setLink(false);
    await waitUntil(alice, `[ $(cat ${CARRIER}) = 0 ]`);
    expect(await alice.sh("ip link show eth0")).toContain("NO-CARRIER");
    card.setLink(true);
    await waitUntil(alice, `[ $(cat ${CARRIER}) = 1 ]`);
    expect(await ping(alice, "10.0.0.2")).toEqual(noLoss(5));
  });

  it("what is sent while the cable is out at the hub does not arrive, and what comes after does", async () => {
    const { bob, carol, portOfBob } = lab();
    portOfBob.setLink(false);
    await waitUntil(bob, `[ $(cat ${CARRIER}) = 0 ]`);
    expect(await carol.sh("ping -c 2 -i 0.1 -W 1 10.0.0.2 || true")).toContain(" 0 packets received");
    portOfBob.setLink(true);
    await waitUntil(bob, `[ $(cat ${CARRIER}) = 1 ]`);
    expect(await ping(carol, "10.0.0.2")).toEqual(noLoss(5));
  });

  it("the guest changes the card's address", async () => {
    const { alice, bob } = lab();
    const card = alice.card(0);
    const own = formatMac(card.mac);
    await alice.sh(`ip link set eth0 down && ip link set eth0 address ${OTHER_MAC} && ip link set eth0 up`);
    expect(formatMac(card.mac)).toBe(OTHER_MAC);
    expect(await ping(alice, "10.0.0.2")).toEqual(noLoss(5));
    expect(await bob.sh("cat /proc/net/arp")).toMatch(new RegExp(`10\\.0\\.0\\.1 .*${OTHER_MAC}`));
    await alice.sh(`ip link set eth0 down && ip link set eth0 address ${own} && ip link set eth0 up`);
    expect(await ping(alice, "10.0.0.2")).toEqual(noLoss(5));
  });
}
