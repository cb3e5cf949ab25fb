import { TestCard } from "@vmmkit/ethif-compliance";
import { SocketType, socketPair } from "@vmmkit/posix";
import { describe, expect, test } from "vitest";
import { Backoff } from "../src/backoff.ts";
import { type StreamOptions, streamBackend } from "../src/index.ts";

const there = { family: "unix", path: "/nowhere" } as const;

describe("a stream's options", () => {
  test.each([
    [{}, "expected exactly one of connect, listen and fd, got 0"],
    [{ connect: there, listen: there }, "got 2"],
    [{ connect: { family: "unix", path: "x".repeat(108) } }, '"path" expected at most 107 bytes'],
    [{ connect: { family: "ipv6", address: "1.2.3.4", port: 1 } }, '"address" expected an IPv6 address'],
    [{ connect: there, mtu: 67 }, '"mtu" expected an integer from 68 to 65535, got 67'],
    [{ connect: there, queueFrames: 65_537 }, '"queueFrames"'],
    [{ connect: there, reconnect: { maxMs: 3_600_001 } }, '"reconnect.maxMs"'],
    [{ listen: { family: "unix", path: "/no/such/folder/x" } }, "ENOENT"],
  ])("%j are refused", (options, message) => {
    expect(() => streamBackend(options as StreamOptions)).toThrow(message);
  });

  test("serve one card", async () => {
    const [near, far] = socketPair(SocketType.Stream);
    const backend = streamBackend({ fd: near.fd });
    new TestCard(backend).init();
    expect(() => new TestCard(backend).init()).toThrow("has this backend already");
    await backend.close();
    far.close();
  });
});

test("waits double from the first to the longest, and start anew when it worked", () => {
  const backoff = new Backoff({ minMs: 100, maxMs: 1000 });
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  const standard = new Backoff();
  expect(Array.from({ length: 8 }, () => standard.next())).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(new Backoff({ minMs: 9000 }).next()).toBe(9000);
});
