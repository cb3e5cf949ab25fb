import { describe, expect, it } from "vitest";
import { parseMetricsAddress } from "../../src/metrics/address.ts";

describe("where the counts are", () => {
  it.each([
    ["9464", { host: "127.0.0.1", port: 9464 }],
    ["192.0.2.1:80", { host: "192.0.2.1", port: 80 }],
    ["[::1]:0", { host: "::1", port: 0 }],
  ])("%s", (text, address) => {
    expect(parseMetricsAddress(text)).toEqual(address);
  });

  it.each(["", "x", "localhost:80", "127.0.0.1", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:80"])(
    "refuses %j",
    (text) => {
      expect(() => parseMetricsAddress(text)).toThrow(`expected PORT, IPV4:PORT or [IPV6]:PORT, got "${text}"`);
    },
  );
});
