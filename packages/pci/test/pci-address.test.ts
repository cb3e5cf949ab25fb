import { describe, expect, it } from "vitest";
import { formatPciAddress, makeAddrRegFromConfig } from "../src/index.ts";

describe("makeAddrRegFromConfig", () => {
  it("takes the address register apart (3.2.2.3.2)", () => {
    expect(makeAddrRegFromConfig(0x8000_0000)).toEqual({ bus: 0, dev: 0, fun: 0, reg: 0 });
    expect(makeAddrRegFromConfig(0x80ff_fffc)).toEqual({ bus: 255, dev: 31, fun: 7, reg: 252 });
    expect(makeAddrRegFromConfig(0x8001_1940)).toEqual({ bus: 1, dev: 3, fun: 1, reg: 0x40 });
    expect(makeAddrRegFromConfig(-1)).toEqual({ bus: 255, dev: 31, fun: 7, reg: 255 });
  });
});

describe("formatPciAddress", () => {
  it("writes bus:device.function", () => {
    expect(formatPciAddress({ bus: 0, dev: 31, fun: 7 })).toBe("00:1f.7");
  });
});
