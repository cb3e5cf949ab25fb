/* Which frames a guest gets (VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3). */
import type { NetControl } from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeRig } from "./support/rig.ts";
import { TEST_MAC } from "./support/test-backend.ts";

const CTRL = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_F_ANY_LAYOUT];
const RX = [...CTRL, virtio.VIRTIO_NET_F_CTRL_RX];
const EXTRA = [...RX, virtio.VIRTIO_NET_F_CTRL_RX_EXTRA];
const VLAN = [...RX, virtio.VIRTIO_NET_F_CTRL_VLAN];

const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const GROUP = Uint8Array.of(1, 0, 0x5e, 0, 0, 1);
const OTHER_GROUP = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const EVERYBODY = { mine: TEST_MAC, other: OTHER, broadcast: BROADCAST, group: GROUP, otherGroup: OTHER_GROUP };

function rig(features: readonly number[]) {
  const made = makeRig({ guest: { features } });
  const { backend, driver } = made;
  const receives = (to: Uint8Array, tag: readonly number[] = []): boolean => {
    const frame = new Uint8Array(64);
    frame.set(to);
    frame.set([2, 0, 0, 0, 0, 7, ...tag, 0x08, 0x00], 6);
    expect(backend.deliver(frame)).toBe(true);
    driver.onInterrupt();
    const got = driver.receiveAll();
    expect(got.length).toBeLessThan(2);
    return got.length === 1;
  };
  const who = (): string[] => Object.entries(EVERYBODY).flatMap(([name, mac]) => (receives(mac) ? [name] : []));
  return { ...made, receives, who };
}

describe("5.1.6.5.1 packet receive filtering", () => {
  it("a driver that cannot ask gets everything", () => {
    expect(rig([virtio.VIRTIO_F_ANY_LAYOUT]).who()).toEqual(Object.keys(EVERYBODY));
    expect(rig(CTRL).who()).toEqual(Object.keys(EVERYBODY));
  });

  it("with CTRL_RX it gets its own and broadcasts, from the start", () => {
    const { who, card } = rig(RX);
    expect(who()).toEqual(["mine", "broadcast"]);
    expect(card.counters.filtered).toEqual({ unicast: 1, multicast: 2, broadcast: 0, vlan: 0 });
    expect(card.counters.receive.frames).toBe(2);
  });

  const MODES: [string, (control: NetControl) => void, string[]][] = [
    ["PROMISC", (c) => c.setRxMode("promisc", true), ["mine", "other", "broadcast", "group", "otherGroup"]],
    ["ALLMULTI", (c) => c.setRxMode("allmulti", true), ["mine", "broadcast", "group", "otherGroup"]],
    ["ALLUNI", (c) => c.setRxMode("alluni", true), ["mine", "other", "broadcast"]],
    ["NOBCAST", (c) => c.setRxMode("nobcast", true), ["mine"]],
    ["NOUNI", (c) => c.setRxMode("nouni", true), ["broadcast"]],
  ];
  it.each(MODES)("5.1.6.5.1.1 %s on, and off again", (_name, set, expected) => {
    const { driver, who } = rig(EXTRA);
    set(driver.control);
    expect(who()).toEqual(expected);
    for (const mode of ["promisc", "allmulti", "alluni", "nobcast", "nouni"] as const) {
      expect(driver.control.setRxMode(mode, false)).toBe(true);
    }
    expect(who()).toEqual(["mine", "broadcast"]);
  });

  it("5.1.6.5.1.1 NOMULTI goes before ALLMULTI and not for broadcasts, NOUNI before ALLUNI, PROMISC before all", () => {
    const { driver, who } = rig(EXTRA);
    for (const mode of ["allmulti", "alluni", "nomulti", "nouni"] as const) driver.control.setRxMode(mode, true);
    expect(who()).toEqual(["broadcast"]);
    driver.control.setRxMode("nobcast", true);
    expect(who()).toEqual([]);
    driver.control.setRxMode("promisc", true);
    expect(who()).toEqual(Object.keys(EVERYBODY));
  });

  it.each([false, true])("5.1.6.5.1.1 every combination of the modes, with addresses in the table: %s", (table) => {
    const names = ["promisc", "allmulti", "alluni", "nomulti", "nouni", "nobcast"] as const;
    const { driver, who } = rig(EXTRA);
    driver.control.setMacTable(table ? [OTHER] : [], table ? [GROUP] : []);
    for (let set = 0; set < 2 ** names.length; set++) {
      const on = Object.fromEntries(names.map((name, i) => [name, ((set >> i) & 1) === 1]));
      for (const name of names) expect(driver.control.setRxMode(name, on[name] === true)).toBe(true);
      const passes = {
        mine: !on["nouni"],
        other: !on["nouni"] && (on["alluni"] || table),
        broadcast: !on["nobcast"],
        group: !on["nomulti"] && (on["allmulti"] || table),
        otherGroup: !on["nomulti"] && on["allmulti"],
      };
      const wanted = Object.entries(passes).flatMap(([name, pass]) => (on["promisc"] || pass ? [name] : []));
      expect([set, who()]).toEqual([set, wanted]);
    }
  });

  it("frames that nobody wants leave their buffers for others", () => {
    const { driver, receives, card } = rig(RX);
    for (let i = 0; i < 2000; i++) receives(OTHER);
    expect(receives(TEST_MAC)).toBe(true);
    expect(driver.counters.rxReturned).toBe(0);
    expect(card.counters.filtered.unicast).toBe(2000);
  });
});

describe("5.1.6.5.2 setting MAC address filtering", () => {
  it("the table's addresses are received, and replace those of the table before", () => {
    const { driver, who } = rig(RX);
    expect(driver.control.setMacTable([OTHER], [GROUP])).toBe(true);
    expect(who()).toEqual(["mine", "other", "broadcast", "group"]);
    expect(driver.control.setMacTable([], [OTHER_GROUP])).toBe(true);
    expect(who()).toEqual(["mine", "broadcast", "otherGroup"]);
  });

  it("5.1.6.5.2.1 the table is empty after a reset, and the modes are off", () => {
    const { driver, who } = rig(RX);
    driver.control.setMacTable([OTHER], [GROUP]);
    driver.control.setRxMode("allmulti", true);
    driver.start();
    expect(who()).toEqual(["mine", "broadcast"]);
  });

  it("more addresses of a kind than the table holds mean all of that kind", () => {
    const { driver, who } = rig(RX);
    const many = Array.from({ length: 65 }, (_, i) => Uint8Array.of(2, 1, 1, 1, 1, i));
    expect(driver.control.setMacTable(many.slice(0, 64), [])).toBe(true);
    expect(who()).toEqual(["mine", "broadcast"]);
    expect(driver.control.setMacTable(many, [])).toBe(true);
    expect(who()).toEqual(["mine", "other", "broadcast"]);
    const groups = many.map((mac) => mac.map((byte, i) => (i === 0 ? 3 : byte)));
    expect(driver.control.setMacTable([], groups)).toBe(true);
    expect(who()).toEqual(["mine", "broadcast", "group", "otherGroup"]);
  });

  it.each([
    ["a count beyond the data", [255, 255, 255, 255]],
    ["no second table", [1, 0, 0, 0, 2, 0, 0, 0, 0, 1]],
    ["bytes behind the tables", [0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["half an address", [1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]],
  ])("a table with %s is refused, and the old one stays", (_what, bytes) => {
    const { driver, who } = rig(RX);
    driver.control.setMacTable([OTHER], []);
    expect(driver.control.command(1, 0, Uint8Array.from(bytes))).toBe(false);
    expect(who()).toEqual(["mine", "other", "broadcast"]);
  });

  it("5.1.6.5.2.1 MAC_ADDR_SET: `mac` says so before the command is used, and the filter follows", () => {
    const { driver, who, card } = rig([...RX, virtio.VIRTIO_NET_F_CTRL_MAC_ADDR, virtio.VIRTIO_NET_F_MAC]);
    expect(driver.control.setMac(OTHER)).toBe(true);
    expect(driver.readMac()).toEqual(OTHER);
    expect(card.mac).toEqual(OTHER);
    expect(who()).toEqual(["other", "broadcast"]);
    expect(driver.control.setMac(GROUP)).toBe(false);
    // The configuration is not for writing once there is a command for it.
    driver.writeMac(TEST_MAC);
    expect(driver.readMac()).toEqual(OTHER);
    driver.start();
    expect(driver.readMac()).toEqual(TEST_MAC);
  });

  it("5.1.6.5.2.3 an address that a legacy driver writes into the configuration is filtered by", () => {
    const { driver, who } = rig(RX);
    driver.writeMac(OTHER);
    expect(who()).toEqual(["other", "broadcast"]);
  });
});

describe("5.1.6.5.3 VLAN filtering", () => {
  const tag = (id: number, type = 0x81) => [type, type === 0x81 ? 0 : 0xa8, 0x20 | (id >> 8), id & 0xff];

  it("only VLANs that were joined are received; frames without a VLAN always", () => {
    const { driver, receives, card } = rig(VLAN);
    expect(receives(TEST_MAC, tag(5))).toBe(false);
    expect(receives(TEST_MAC, tag(5, 0x88))).toBe(false);
    expect(receives(TEST_MAC)).toBe(true);
    expect(receives(TEST_MAC, tag(0))).toBe(true);
    expect(driver.control.setVlan(5, true)).toBe(true);
    expect(driver.control.setVlan(4095, true)).toBe(true);
    expect(receives(TEST_MAC, tag(5))).toBe(true);
    expect(receives(TEST_MAC, tag(4095))).toBe(true);
    expect(receives(TEST_MAC, tag(6))).toBe(false);
    expect(driver.control.setVlan(5, false)).toBe(true);
    expect(receives(TEST_MAC, tag(5))).toBe(false);
    expect(driver.control.setVlan(4096, true)).toBe(false);
    expect(card.counters.filtered.vlan).toBe(4);
  });

  it("a driver without CTRL_VLAN gets them all, and one in promiscuous mode too", () => {
    expect(rig(RX).receives(TEST_MAC, tag(5))).toBe(true);
    const { driver, receives } = rig(VLAN);
    driver.control.setRxMode("promisc", true);
    expect(receives(OTHER, tag(5))).toBe(true);
  });
});
