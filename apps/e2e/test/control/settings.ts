import { expect, it } from "vitest";
import { ADDRESS, type ControlLab } from "../support/control-lab.ts";
import { ETHERTYPE_ARP, get16, sameBytes } from "../support/host/packet.ts";
import { noLoss, ping, waitUntil } from "../support/traffic.ts";

const CARRIER = "/sys/class/net/eth0/carrier";
const VID = 9;

/** Settings of an interface that is up. */
export function settingTests(lab: () => ControlLab): void {
  it("the MTU goes down and up again, and not beyond the card's", async () => {
    const { alice } = lab();
    await alice.sh("ip link set eth0 mtu 1200");
    expect(await ping(alice, ADDRESS.bob, { size: 1200 - 28 })).toEqual(noLoss(5));
    await alice.sh("ip link set eth0 mtu 1500");
    await expect(alice.sh("ip link set eth0 mtu 1501")).rejects.toThrow();
  });

  it("the guests reach each other in a VLAN, with full frames and a tag", async () => {
    const { alice, bob } = lab();
    for (const [i, guest] of [alice, bob].entries()) {
      await guest.sh(
        `modprobe 8021q && ip link add link eth0 name vlan${VID} type vlan id ${VID} &&
ip addr add 10.${VID}.0.${i + 1}/24 dev vlan${VID} && ip link set vlan${VID} up`,
      );
    }
    expect(await ping(alice, `10.${VID}.0.2`, { size: 1472 })).toEqual(noLoss(5));
    for (const guest of [alice, bob]) await guest.sh(`ip link del vlan${VID}`);
  });

  it("the carrier goes and comes", async () => {
    const { alice, bob } = lab();
    for (const guest of [alice, bob]) {
      for (const up of [false, true]) {
        guest.card(0).setLink(up);
        await waitUntil(guest, `[ $(cat ${CARRIER}) = ${Number(up)} ]`);
        expect(await guest.sh("ethtool eth0")).toContain(`Link detected: ${up ? "yes" : "no"}`);
      }
    }
  });

  it("the guest announces itself when it is asked to", async () => {
    const { alice, bob, heard } = lab();
    for (const guest of [alice, bob]) {
      const mac = guest.card(0).mac;
      heard.length = 0;
      expect(guest.card(0).announce()).toBe(true);
      const announced = (): boolean =>
        heard.some((frame) => get16(frame, 12) === ETHERTYPE_ARP && sameBytes(frame.slice(6, 12), mac));
      await expect.poll(announced, { timeout: 60_000 }).toBe(true);
    }
  });

  it("-C: interrupts are held back as the guest says, and nothing is lost", async () => {
    const { alice } = lab();
    const { control } = alice.card(0).counters;
    const before = control.done;
    await alice.sh("ethtool -C eth0 rx-usecs 200 rx-frames 8 tx-usecs 200 tx-frames 8");
    expect(control.done).toBe(before + 2);
    const said = await alice.sh("ethtool -c eth0");
    for (const line of [/rx-usecs:\s+200/, /rx-frames:\s+8/, /tx-usecs:\s+200/, /tx-frames:\s+8/]) {
      expect(said).toMatch(line);
    }
    expect(await ping(alice, ADDRESS.bob)).toEqual(noLoss(5));
    // Linux 6.1 takes no 0 for the transmitted frames of an interface that is up.
    await alice.sh("ethtool -C eth0 rx-usecs 0 rx-frames 1 tx-usecs 0 tx-frames 1");
  });
}
