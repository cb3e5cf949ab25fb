import { expect, test } from "vitest";
import { parsePing } from "../src/ping.ts";

test("reads counts and times of busybox's ping", () => {
  const output = [
    "--- 10.86.0.2 ping statistics ---",
    "20 packets transmitted, 19 packets received, 5% packet loss",
    "round-trip min/avg/max = 1.021/2.5/13.607 ms",
  ].join("\n");
  expect(parsePing(output)).toEqual({ sent: 20, received: 19, minMs: 1.021, avgMs: 2.5, maxMs: 13.607 });
});

test("without an answer there are no times", () => {
  const result = parsePing("3 packets transmitted, 0 packets received, 100% packet loss\n");
  expect(result).toEqual({ sent: 3, received: 0, minMs: Number.NaN, avgMs: Number.NaN, maxMs: Number.NaN });
});

test("another output is none of ping's", () => {
  expect(parsePing("sh: ping: not found")).toBeNull();
});
