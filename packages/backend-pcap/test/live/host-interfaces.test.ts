import { beforeEach, expect, test } from "vitest";
import { libpcapVersion, listInterfaces } from "../../src/node/index.ts";
import { ip, ownNetwork, vethPair } from "../support/own-network.ts";

const impossible = ownNetwork();

beforeEach((context) => {
  if (impossible !== null) context.skip(impossible);
});

test("interfaces have names, states and addresses", () => {
  const pair = vethPair(1500);
  ip(`addr add 192.0.2.7/24 dev ${pair.near}`);
  ip(`link set ${pair.near} address 02:00:00:00:00:77`);
  const interfaces = new Map(listInterfaces().map((one) => [one.name, one]));
  expect(interfaces.get(pair.near)).toMatchObject({
    up: true,
    running: true,
    loopback: false,
    addresses: ["192.0.2.7"],
    mac: Uint8Array.of(2, 0, 0, 0, 0, 0x77),
  });
  expect(interfaces.get("lo")).toMatchObject({ loopback: true, up: true, addresses: ["127.0.0.1", "0:0:0:0:0:0:0:1"] });
});

test("the library says which it is", () => {
  expect(libpcapVersion()).toMatch(/^libpcap version 1\.\d+/);
});
