import { expect, it } from "vitest";
import { hostBridge } from "../src/index.ts";
import { dump } from "./support/impossible.ts";

it("is a host bridge of its own kind, which the guest cannot write", () => {
  const bridge = hostBridge();
  expect([bridge.ioRead(0, 4), bridge.ioRead(8, 4)]).toEqual([0x0042_5e14, 0x0600_0001]);
  const before = dump(bridge);
  for (let offset = 0; offset < 256; offset += 4) bridge.ioWrite(offset, 4, 0xffff_ffff);
  expect(dump(bridge)).toEqual(before);
});

it("can be another chipset's", () => {
  expect(hostBridge({ vendorId: 0x8086, deviceId: 0x1237, revisionId: 2 }).ioRead(0, 4)).toBe(0x1237_8086);
});
