import { formatMac } from "@vmmkit/ethif";
import { describe, expect, it } from "vitest";
import { tapBackend } from "../src/index.ts";
import { InterfaceControl } from "../src/interface-control.ts";
import { inOwnNetwork, removeLater, someFrame, testCard, testPeer, testTap } from "./support/backends.ts";
import { ip } from "./support/namespace.ts";

inOwnNetwork();

describe("options of the interface", () => {
  it("MTU, the host's address and up are set, and the card hears its MTU", () => {
    const hostMac = Uint8Array.of(2, 1, 2, 3, 4, 5);
    const { card } = testCard({ name: "set0", mtu: 9000, hostMac });
    const link = ip("link show set0");
    expect(link).toContain("mtu 9000");
    expect(link).toContain(formatMac(hostMac));
    expect(link).toMatch(/<.*\bUP\b.*>/);
    expect(card.link).toMatchObject({ mtu: 9000, linkUp: true });
    // The card is another station than the host.
    expect(card.link?.mac).not.toEqual(hostMac);
  });

  it("one that is not to be brought up is down", () => {
    const { card } = testCard({ name: "down0", up: false });
    expect(ip("link show down0")).not.toMatch(/<.*\bUP\b.*>/);
    expect(card.link?.linkUp).toBe(false);
  });

  it("the longest MTU carries frames of that length", async () => {
    const { card } = testCard({ name: "long0", mtu: 65521 });
    const peer = testPeer("long0");
    const frame = someFrame(65521 + 14);
    card.transmit(frame, [10, 1000, 30_000]);
    expect(await peer.receive()).toEqual(frame);
  });
});

describe("bridges", () => {
  it("backends on one bridge hear each other", async () => {
    removeLater("br0");
    ip("link add br0 type bridge");
    ip("link set br0 up");
    const [one, two] = [testCard({ name: "port0", bridge: "br0" }), testCard({ name: "port1", bridge: "br0" })];
    expect(ip("link show master br0")).toMatch(/port0.*port1/s);
    const frame = someFrame().fill(0xff, 0, 6);
    one.card.transmit(frame);
    const { card } = two;
    while (card.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(card.received).toEqual([frame]);
  });

  it("an interface in a bridge already, or no such bridge", () => {
    removeLater("br1");
    removeLater("br2");
    ip("link add br1 type bridge");
    ip("link add br2 type bridge");
    testTap({ name: "mine0", bridge: "br1", persistent: false });
    const control = new InterfaceControl();
    expect(() => control.joinBridge("mine0", "br2")).toThrow(
      /^EBUSY: .*SIOCBRADDIF br2: the interface is in a bridge already/,
    );
    control.close();
    expect(() => tapBackend({ name: "lost0", bridge: "br9" })).toThrow(/^ENODEV: /);
  });
});

describe("the kernel is asked", () => {
  it("numbers, states, addresses, and what there is not", () => {
    testTap({ name: "ask0", mtu: 1300 });
    const control = new InterfaceControl();
    expect(control.index("ask0")).toBeGreaterThan(0);
    expect(control.state("ask0")).toEqual({ up: true, mtu: 1300 });
    expect(ip("link show ask0")).toContain(formatMac(control.mac("ask0")));
    expect([control.index("none0"), control.state("none0")]).toEqual([0, null]);
    expect(() => control.bringUp("none0")).toThrow("ENODEV");
    expect(() => control.setMtu("ask0", 66_000)).toThrow(/^EINVAL: .*SIOCSIFMTU ask0/);
    control.close();
  });
});
