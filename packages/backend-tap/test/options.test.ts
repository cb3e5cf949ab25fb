import { MAC_BYTES } from "@vmmkit/ethif";
import { type Fd, openFile } from "@vmmkit/posix";
import { describe, expect, it } from "vitest";
import { type TapOptions, tapBackend } from "../src/index.ts";
import { checkOptions } from "../src/options.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7);

describe("options", () => {
  it("left out are safe ones, with an address of the card's own each time", () => {
    const [one, two] = [checkOptions({}), checkOptions({})];
    expect(one).toMatchObject({ name: "vmm%d", existing: false, vnetHeader: 0, queueFrames: 256, batchFrames: 64 });
    expect(one.mac).toHaveLength(MAC_BYTES);
    expect(one.mac).not.toEqual(two.mac);
  });

  it("an address is copied", () => {
    const mac = MAC.slice();
    const options = checkOptions({ mac });
    mac.fill(0);
    expect(options.mac).toEqual(MAC);
  });

  const impossible: readonly (readonly [TapOptions, string])[] = [
    [{ name: "" }, '"name" expected 1 to 15 bytes'],
    [{ name: "a%d%d" }, '"name" expected at most one "%d", got "a%d%d"'],
    [{ name: "100%" }, '"name" expected at most one "%d", got "100%"'],
    [{ mtu: 67 }, '"mtu" expected an integer from 68 to 65521, got 67'],
    [{ mtu: 65522 }, '"mtu" expected an integer from 68 to 65521, got 65522'],
    [{ mtu: 1500.5 }, '"mtu" expected an integer'],
    [{ mac: MAC.subarray(1) }, '"mac" expected 6 bytes'],
    [{ mac: Uint8Array.of(1, 0, 0, 0, 0, 7) }, '"mac" expected the address of one station'],
    [{ hostMac: Uint8Array.of(1, 0, 0, 0, 0, 7) }, '"hostMac" expected the address of one station'],
    [{ bridge: "a/b" }, '"bridge" expected 1 to 15 bytes'],
    [{ vnetHeader: 11 as 12 }, '"vnetHeader" expected true, false, 10 or 12, got 11'],
    [{ offloads: 64 }, '"offloads" expected an integer from 0 to 63, got 64'],
    [{ sendBufferBytes: 0 }, '"sendBufferBytes" expected an integer from 1 to 2147483647, got 0'],
    [{ queueFrames: -1 }, '"queueFrames" expected an integer from 0 to 65536, got -1'],
    [{ batchFrames: 0 }, '"batchFrames" expected an integer from 1 to 4096, got 0'],
  ];
  for (const [options, message] of impossible) {
    it(`${JSON.stringify(options)} is refused by its name`, () => expect(() => tapBackend(options)).toThrow(message));
  }

  it("a descriptor is the whole choice of an interface", () => {
    const fd: Fd = openFile("/dev/null");
    expect(() => tapBackend({ fd, name: "tap0" })).toThrow('"name" expected nothing beside "fd"');
    // It is still its owner's.
    expect(fd.closed).toBe(false);
    fd.close();
  });
});
