import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatMac, isMulticast, MAC_BYTES, parseMac, randomMac } from "../src/index.ts";

const anyMac = fc.uint8Array({ minLength: MAC_BYTES, maxLength: MAC_BYTES });

describe("parseMac and formatMac", () => {
  it("are each other's inverse", () => {
    fc.assert(
      fc.property(anyMac, (mac) => {
        expect(parseMac(formatMac(mac))).toEqual(mac);
      }),
    );
  });

  it("read capitals and dashes, and write small letters and colons", () => {
    expect([...parseMac("52-54-00-AB-cd-EF")]).toEqual([0x52, 0x54, 0, 0xab, 0xcd, 0xef]);
    expect(formatMac(Uint8Array.of(0x52, 0x54, 0, 0xab, 0xcd, 0xef))).toBe("52:54:00:ab:cd:ef");
  });

  it("write the first six bytes of a longer array", () => {
    expect(formatMac(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe("01:02:03:04:05:06");
  });

  it.each([
    "",
    "52:54:00:12:34",
    "52:54:00:12:34:56:78",
    "52:54:00:12:34:5",
    "52:54:00:12:34:5g",
    "525400123456",
    " 52:54:00:12:34:56",
    "52:54:00:12:34:56\n",
  ])("refuse %j by name", (text) => {
    expect(() => parseMac(text)).toThrow(TypeError);
    expect(() => parseMac(text)).toThrow('"mac" expected six bytes');
  });
});

describe("randomMac", () => {
  it("is locally administered and not multicast, whatever chance says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 6 }),
        (rolls) => {
          let next = 0;
          const mac = randomMac(() => rolls[next++] ?? 0);
          expect(mac).toHaveLength(MAC_BYTES);
          expect((mac[0] ?? 0) & 3).toBe(2);
          expect([...mac.subarray(1)]).toEqual(rolls.slice(1, 6).map((roll) => Math.floor(roll * 256)));
        },
      ),
    );
  });

  it("differs from call to call", () => {
    expect(new Set(Array.from({ length: 16 }, () => formatMac(randomMac()))).size).toBe(16);
  });
});

describe("isMulticast", () => {
  it.each([
    ["ff:ff:ff:ff:ff:ff", true],
    ["01:00:5e:00:00:01", true],
    ["33:33:00:00:00:01", true],
    ["52:54:00:12:34:56", false],
    ["00:00:00:00:00:00", false],
  ])("%s: %s", (text, group) => {
    expect(isMulticast(parseMac(text))).toBe(group);
  });

  it("looks at the start of a longer array, and takes no bytes for no group", () => {
    expect(isMulticast(new Uint8Array(64).fill(0xff))).toBe(true);
    expect(isMulticast(new Uint8Array(0))).toBe(false);
  });
});
