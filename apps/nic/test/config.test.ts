import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

const card = { vfioUser: "/run/a.sock" };

describe("a configuration", () => {
  it("fills in what is left out", () => {
    expect(readConfig({ cards: [card] })).toEqual({
      spinUs: 50,
      oneProcess: false,
      uplinks: [],
      cards: [
        {
          name: "nic0",
          protocol: "vfio-user",
          path: "/run/a.sock",
          backend: { kind: "hub" },
          queues: 1,
          driver: "transitional",
          waiting: "adaptive",
          fault: { tx: {}, rx: {} },
        },
      ],
    });
  });

  it.each([
    ["tap:tap0", { kind: "tap", name: "tap0" }],
    ["pcap-live:eth0", { kind: "pcap-live", name: "eth0" }],
    ["null", { kind: "null" }],
    ["socket:/run/s", { kind: "socket", how: "connect", address: { family: "unix", path: "/run/s" } }],
    [
      "socket:listen:127.0.0.1:7000",
      { kind: "socket", how: "listen", address: { family: "ipv4", address: "127.0.0.1", port: 7000 } },
    ],
  ])("knows the backend %s", (backend, expected) => {
    expect(readConfig({ cards: [{ ...card, backend }] }).cards[0]?.backend).toEqual(expected);
  });

  it.each([
    [[], "configuration: expected an object, got []"],
    [{ cards: [] }, "cards: expected a list of at least one card, got []"],
    [{}, "cards: expected a list of at least one card, got nothing"],
    [
      { cards: [card], hub: 1 },
      'configuration: no such key "hub"; there are control, metrics, user, spinUs, oneProcess, uplinks, cards',
    ],
    [{ cards: [{}] }, "cards[0]: expected one of vfioUser and vhostUser"],
    [{ cards: [{ ...card, mtu: 67 }] }, "cards[0].mtu: expected a whole number from 68 to 65521, got 67"],
    [{ cards: [{ ...card, mac: "x" }] }, 'cards[0].mac: "mac" expected six bytes as "52:54:00:12:34:56", got "x"'],
    [{ cards: [{ ...card, driver: "old" }] }, 'cards[0].driver: expected legacy, transitional, modern, got "old"'],
    [
      { cards: [{ vhostUser: "/v", driver: "modern" }] },
      "cards[0].driver: over vhost-user the VMM has the registers, so it is not to be chosen here",
    ],
    [
      { cards: [{ ...card, fault: "drop" }] },
      'cards[0].fault: expected NAME=VALUE, tx.NAME=VALUE or rx.NAME=VALUE, got "drop"',
    ],
    [{ cards: [card, card] }, 'cards: two have the socket "/run/a.sock"'],
    [
      { cards: [card, { vfioUser: "/b", mtu: 1500 }, { vhostUser: "/v", mtu: 9000 }] },
      "mtu of nic2: expected 1500, as the hub's other cards have, got 9000",
    ],
    [
      { cards: [{ ...card, backend: "pcap-live:eth0", mtu: 1400 }] },
      "cards[0].mtu: through libpcap it is the interface's, so it is not to be chosen here",
    ],
    [{ cards: [{ ...card, waiting: "long" }] }, 'cards[0].waiting: expected wait, adaptive, poll, got "long"'],
    [
      { cards: [card, { vfioUser: "/b", backend: "null", waiting: "wait" }, { vhostUser: "/v", waiting: "poll" }] },
      'waiting of nic2: expected "adaptive", as the hub\'s other cards have, got "poll"',
    ],
    [{ cards: [card], oneProcess: 1 }, "oneProcess: expected true or false, got 1"],
    [{ cards: [card], spinUs: 501 }, "spinUs: expected a whole number from 0 to 500, got 501"],
    [{ cards: [card], uplinks: "tap:vmm0" }, 'uplinks: expected a list, got "tap:vmm0"'],
    [{ cards: [card], uplinks: ["hub"] }, "uplinks[0]: expected another way than the hub"],
    [{ cards: [card], uplinks: ["moon"] }, "uplinks[0]: expected one of hub, null, tap:NAME"],
    [{ cards: [card], metrics: "here" }, 'metrics: expected PORT, IPV4:PORT or [IPV6]:PORT, got "here"'],
  ])("says what is wrong: %j", (json, message) => {
    expect(() => readConfig(json)).toThrow(message);
  });
});
