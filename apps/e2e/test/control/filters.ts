import { expect, it } from "vitest";
import type { CardGuest } from "../support/card-guest.ts";
import type { ControlLab, GuestName } from "../support/control-lab.ts";
import { ADDRESS } from "../support/control-lab.ts";
import { noLoss, ping, waitUntil } from "../support/traffic.ts";

/** Frames of a volley. So many more than what else may arrive meanwhile that both ends of the count are certain. */
const VOLLEY = 40;
const ALL_HOSTS = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x01];
/** Where VLANs are registered (GVRP, MVRP): Linux joins it with its first VLAN and leaves it with the last. */
const VLAN_GROUP = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x21];
const OTHER_GROUP = [0x01, 0x00, 0x5e, 0x01, 0x02, 0x03];
const STRANGER = [0x02, 0x12, 0x34, 0x56, 0x78, 0x9a];
/** For experiments (IEEE 802): no protocol of the guest takes it. */
const ETHERTYPE_EXPERIMENT = [0x88, 0xb5];
const VID = 7;
const TAG = [0x81, 0x00, 0x00, VID];
const RX_PACKETS = "/sys/class/net/eth0/statistics/rx_packets";

/** What reaches the guest, as its counter and the card's have it. */
export function filterTests(lab: () => ControlLab, name: GuestName): void {
  const guest = (): CardGuest => lab()[name];

  /** Sends a volley, and answers whether it came to the guest or stayed at the named filter of the card. */
  async function volley(to: readonly number[], kind: "multicast" | "unicast" | "vlan", tag: readonly number[] = []) {
    const { host } = lab();
    const before = Number(await guest().sh(`cat ${RX_PACKETS}`));
    const { filtered } = guest().card(0).counters;
    const filteredBefore = filtered[kind];
    const bytes = Uint8Array.from([...to, ...host.mac, ...tag, ...ETHERTYPE_EXPERIMENT, ...new Array(60).fill(0)]);
    for (let i = 0; i < VOLLEY; i++) host.send(bytes.slice());
    await new Promise((resolve) => setTimeout(resolve));
    const came = Number(await guest().sh(`cat ${RX_PACKETS}`)) - before;
    const stayed = filtered[kind] - filteredBefore;
    if (came >= VOLLEY && stayed < VOLLEY) return "came";
    if (came < VOLLEY && stayed >= VOLLEY) return "stayed";
    return `${came} came, ${stayed} stayed`;
  }

  it("its own address and groups that it is in come; others, and other stations' frames, do not", async () => {
    expect(await volley([...guest().card(0).mac], "unicast")).toBe("came");
    expect(await volley(ALL_HOSTS, "multicast")).toBe("came");
    expect(await volley(OTHER_GROUP, "multicast")).toBe("stayed");
    expect(await volley(STRANGER, "unicast")).toBe("stayed");
  });

  it("promiscuous mode lets everything in, while it is on", async () => {
    await guest().sh("ip link set eth0 promisc on");
    expect(await volley(STRANGER, "unicast")).toBe("came");
    expect(await volley(OTHER_GROUP, "multicast")).toBe("came");
    await guest().sh("ip link set eth0 promisc off");
    expect(await volley(STRANGER, "unicast")).toBe("stayed");
  });

  it("all multicast, while it is on, and no unicast with it", async () => {
    await guest().sh("ifconfig eth0 allmulti");
    expect(await volley(OTHER_GROUP, "multicast")).toBe("came");
    expect(await volley(STRANGER, "unicast")).toBe("stayed");
    await guest().sh("ifconfig eth0 -allmulti");
    expect(await volley(OTHER_GROUP, "multicast")).toBe("stayed");
  });

  it("a VLAN and a multicast group are joined, and left", async () => {
    const own = [...guest().card(0).mac];
    expect(await volley(own, "vlan", TAG)).toBe("stayed");
    expect(await volley(VLAN_GROUP, "multicast")).toBe("stayed");
    await guest().sh(`modprobe 8021q && ip link add link eth0 name vlan${VID} type vlan id ${VID}`);
    expect(await volley(own, "vlan", TAG)).toBe("came");
    expect(await volley(VLAN_GROUP, "multicast")).toBe("came");
    expect(await volley(own, "vlan", [0x81, 0x00, 0x00, VID + 1])).toBe("stayed");
    await guest().sh(`ip link del vlan${VID}`);
    expect(await volley(own, "vlan", TAG)).toBe("stayed");
    expect(await volley(VLAN_GROUP, "multicast")).toBe("stayed");
  });

  it("another address is taken while the link is up, and the old one is no longer its own", async () => {
    const card = guest().card(0);
    const own = [...card.mac];
    await guest().sh("ip link set eth0 address 02:12:34:56:78:9a");
    expect([...card.mac]).toEqual(STRANGER);
    expect(await volley(STRANGER, "unicast")).toBe("came");
    expect(await volley(own, "unicast")).toBe("stayed");
    await guest().sh(`ip link set eth0 address ${own.map((byte) => byte.toString(16).padStart(2, "0")).join(":")}`);
    expect([...card.mac]).toEqual(own);
  });

  it("the other guest is reached behind all that", async () => {
    const other = name === "alice" ? "bob" : "alice";
    await waitUntil(guest(), `ping -c 1 -W 2 ${ADDRESS[other]} >/dev/null`);
    expect(await ping(guest(), ADDRESS[other])).toEqual(noLoss(5));
  });
}
