import { describe, expect, it } from "vitest";
import { decodeAddress, encodeAddress, ipv4Bytes, ipv6Bytes, type SocketAddress } from "../src/index.ts";

describe("socket addresses", () => {
  const addresses: SocketAddress[] = [
    { family: "unix", path: "/run/vmmkit.sock" },
    { family: "unix", path: "\0vmmkit" },
    { family: "unix", path: "" },
    { family: "ipv4", address: "192.0.2.1", port: 65535 },
    { family: "ipv6", address: "2001:db8:0:0:0:0:0:1", port: 0, scopeId: 0 },
    { family: "ipv6", address: "fe80:0:0:0:1:2:3:4", port: 80, scopeId: 7 },
  ];

  for (const address of addresses) {
    it(`${JSON.stringify(address)} is the same after it was there and back`, () => {
      expect(decodeAddress(encodeAddress(address))).toEqual(address);
    });
  }

  it("have the kernel's layout", () => {
    expect([...encodeAddress({ family: "ipv4", address: "127.0.0.1", port: 0x1234 })]).toEqual([
      2, 0, 0x12, 0x34, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect([...encodeAddress({ family: "unix", path: "ab" })]).toEqual([1, 0, 97, 98, 0]);
    // A name without a file is as long as it says, without a zero at its end.
    expect([...encodeAddress({ family: "unix", path: "\0ab" })]).toEqual([1, 0, 0, 97, 98]);
  });

  it("of other families, or cut short, are none that is known", () => {
    for (const bytes of [[], [2], [2, 0, 0, 80], [17, 0, 0, 0, 1, 0, 0, 0]]) {
      expect(decodeAddress(Uint8Array.from(bytes))).toBeNull();
    }
  });

  it("that there cannot be are refused", () => {
    const encode = (address: SocketAddress) => () => encodeAddress(address);
    expect(encode({ family: "ipv4", address: "1.2.3.4", port: 65536 })).toThrow(
      '"port" expected an integer from 0 to 65535, got 65536',
    );
    expect(encode({ family: "ipv4", address: "localhost", port: 1 })).toThrow(
      '"address" expected an IPv4 address, got "localhost"',
    );
    expect(encode({ family: "unix", path: "x".repeat(108) })).toThrow(RangeError);
    expect(encode({ family: "unix", path: "a\0b" })).toThrow(RangeError);
    expect(encode({ family: "unix", path: "x".repeat(107) })).not.toThrow();
  });
});

describe("addresses as bytes", () => {
  it("IPv4", () => expect([...ipv4Bytes("192.0.2.255")]).toEqual([192, 0, 2, 255]));

  for (const [text, groups] of [
    ["::", [0, 0, 0, 0, 0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0, 0, 0, 0, 1]],
    ["2001:db8::", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]],
    ["1:2:3:4:5:6:7:8", [1, 2, 3, 4, 5, 6, 7, 8]],
    ["ff02::1:ff00:42", [0xff02, 0, 0, 0, 0, 1, 0xff00, 0x42]],
    ["::ffff:192.0.2.1", [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x201]],
    ["64:ff9b::192.0.2.1", [0x64, 0xff9b, 0, 0, 0, 0, 0xc000, 0x201]],
    ["::192.0.2.1", [0, 0, 0, 0, 0, 0, 0xc000, 0x201]],
  ] as const) {
    it(`IPv6 ${text}`, () => {
      expect([...ipv6Bytes(text)]).toEqual(groups.flatMap((group) => [group >> 8, group & 0xff]));
    });
  }

  it("a zone is not part of an address", () => {
    expect(() => ipv6Bytes("fe80::1%eth0")).toThrow("an IPv6 address without a zone");
  });
});
