import { UnsupportedPlatformError } from "@vmmkit/posix";
import { expect, test } from "vitest";
import { loadLibpcap } from "../../src/live/libpcap.ts";

test("a host without libpcap is told so in one line", () => {
  const load = (): unknown => loadLibpcap(["libpcap-that-nobody-has.so.1", "nor-this-one.so"]);
  expect(load).toThrow(UnsupportedPlatformError);
  expect(load).toThrow(/^live capture needs libpcap \(Debian: apt-get install libpcap0\.8; others: libpcap\): [^\n]+$/);
});
