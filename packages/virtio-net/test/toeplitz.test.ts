/* The Toeplitz hash (VIRTIO 1.2, 5.1.6.4.3) against the values that Microsoft published for receive-side scaling. */
import { Frame } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { FrameHead } from "../src/frame-head.ts";
import { PacketFields } from "../src/steering/packet-fields.ts";
import { ALL_HASH_TYPES, PacketHash } from "../src/steering/packet-hash.ts";
import { KEY, ports, V4, V6, v4, v6 } from "./support/published-hashes.ts";

const TCP = 6;
const UDP = 17;
const { VIRTIO_NET_HASH_TYPE_IPv4: IP4, VIRTIO_NET_HASH_TYPE_TCPv4: TCP4 } = virtio;

function ethernet(type: number, payload: readonly number[], tag: readonly number[] = []): number[] {
  return [...new Array(12).fill(0), ...tag, type >> 8, type & 255, ...payload];
}

function ipv4(source: string, destination: string, protocol: number, rest: readonly number[], fragment = 0): number[] {
  const header = [0x45, 0, 0, 0, 0, 0, fragment >> 8, fragment & 255, 64, protocol, 0, 0];
  return [...header, ...v4(source), ...v4(destination), ...rest];
}

function ipv6(source: string, destination: string, next: number, rest: readonly number[]): number[] {
  return [0x60, 0, 0, 0, 0, 0, next, 64, ...v6(source), ...v6(destination), ...rest];
}

function hash(bytes: readonly number[], types: number, piece = bytes.length): [number, number] {
  const frame = new Frame();
  const memory = Uint8Array.from(bytes);
  for (let at = 0; at < bytes.length; at += piece) frame.push(memory, at, Math.min(piece, bytes.length - at));
  const head = new FrameHead();
  head.load(frame, bytes.length);
  const fields = new PacketFields();
  fields.parse(head);
  const packet = new PacketHash();
  packet.configure(types, KEY);
  packet.calculate(fields);
  return [packet.value, packet.report];
}

describe("the published values", () => {
  it.each(V4)("IPv4 from %s port %i to %s port %i", (source, from, destination, to, addresses, all) => {
    for (const [protocol, report] of [
      [TCP, 2],
      [UDP, 3],
    ] as const) {
      const frame = ethernet(0x0800, ipv4(source, destination, protocol, ports(from, to)));
      expect(hash(frame, ALL_HASH_TYPES)).toEqual([all, report]);
      expect(hash(frame, ALL_HASH_TYPES, 3)).toEqual([all, report]);
      expect(hash(frame, IP4)).toEqual([addresses, 1]);
    }
  });

  it.each(V6)("IPv6 from %s port %i to %s port %i", (source, from, destination, to, addresses, all) => {
    for (const [protocol, report] of [
      [TCP, 5],
      [UDP, 6],
    ] as const) {
      const frame = ethernet(0x86dd, ipv6(source, destination, protocol, ports(from, to)));
      expect(hash(frame, ALL_HASH_TYPES)).toEqual([all, report]);
      expect(hash(frame, virtio.VIRTIO_NET_HASH_TYPE_IPv6)).toEqual([addresses, 4]);
    }
  });
});

describe("5.1.6.4.3 which hash a packet gets", () => {
  const [source, from, destination, to, addresses, all] = V4[0] ?? ["", 0, "", 0, 0, 0];
  const [source6, from6, destination6, to6, addresses6, all6] = V6[0] ?? ["", 0, "", 0, 0, 0];

  it("behind one VLAN tag or two the same", () => {
    const packet = ipv4(source, destination, TCP, ports(from, to));
    expect(hash(ethernet(0x0800, packet, [0x81, 0, 0, 5]), ALL_HASH_TYPES)[0]).toBe(all);
    expect(hash(ethernet(0x0800, packet, [0x88, 0xa8, 0, 1, 0x81, 0, 0, 5]), ALL_HASH_TYPES)[0]).toBe(all);
  });

  it("fragments have no ports, and neither have protocols that are neither TCP nor UDP", () => {
    for (const fragment of [0x2000, 0x0010]) {
      const packet = ipv4(source, destination, TCP, ports(from, to), fragment);
      expect(hash(ethernet(0x0800, packet), ALL_HASH_TYPES)).toEqual([addresses, 1]);
      expect(hash(ethernet(0x0800, packet), TCP4)).toEqual([0, 0]);
    }
    expect(hash(ethernet(0x0800, ipv4(source, destination, 1, ports(from, to))), ALL_HASH_TYPES)[1]).toBe(1);
  });

  it("no hash for what is no IP, is cut off, or has no type enabled", () => {
    expect(hash(ethernet(0x0806, new Array(40).fill(1)), ALL_HASH_TYPES)).toEqual([0, 0]);
    expect(hash(ethernet(0x0800, [0x45, ...new Array(10).fill(1)]), ALL_HASH_TYPES)).toEqual([0, 0]);
    expect(hash(ethernet(0x0800, ipv4(source, destination, TCP, [1, 2])), ALL_HASH_TYPES)).toEqual([addresses, 1]);
    expect(hash(ethernet(0x0800, ipv4(source, destination, TCP, ports(1, 2))), 0)).toEqual([0, 0]);
  });

  it("with extension headers the _EX types go first, then those without", () => {
    const hopByHop = [TCP, 0, 1, 4, 0, 0, 0, 0];
    const frame = ethernet(0x86dd, ipv6(source6, destination6, 0, [...hopByHop, ...ports(from6, to6)]));
    expect(hash(frame, ALL_HASH_TYPES)).toEqual([all6, 8]);
    expect(hash(frame, 0x3f)).toEqual([all6, 5]);
    expect(hash(frame, virtio.VIRTIO_NET_HASH_TYPE_IP_EX)).toEqual([addresses6, 7]);
  });

  it("the home address stands for the source, the routing header's for the destination", () => {
    const home = [UDP, 2, 1, 2, 0, 0, 0xc9, 16, ...v6(source6)];
    const routing = [60, 2, 2, 1, 0, 0, 0, 0, ...v6(destination6)];
    const packet = ipv6("2001:db8::1", "2001:db8::2", 43, [...routing, ...home, ...ports(from6, to6)]);
    expect(hash(ethernet(0x86dd, packet), ALL_HASH_TYPES)).toEqual([all6, 9]);
    expect(hash(ethernet(0x86dd, packet), virtio.VIRTIO_NET_HASH_TYPE_UDPv6)[0]).not.toBe(all6);
  });

  it("never looks beyond a packet, whatever its headers claim", () => {
    for (let length = 14; length < 140; length++) {
      for (const fill of [0, 43, 44, 60, 0xc9, 0xff]) {
        const frame = ethernet(0x86dd, [0x60, 0, 0, 0, 0, 0, fill, ...new Array(200).fill(fill)]).slice(0, length);
        const [value, report] = hash(frame, ALL_HASH_TYPES);
        expect(Number.isInteger(value) && report <= 9).toBe(true);
      }
    }
  });
});
