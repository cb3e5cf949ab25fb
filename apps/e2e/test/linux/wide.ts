import type { Hub } from "@vmmkit/backend-loopback";
import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";
import { fetchFile, noLoss, ping } from "../support/traffic.ts";

const HEADER_BYTES = 14;
/** IP and ICMP headers. */
const PING_HEADER_BYTES = 28;

/** Frames as long as they can be. */
export function wideTests(lab: () => Lab): void {
  it("the longest ping that there is goes in one frame", async () => {
    const { alice, wide } = lab();
    const longest = watchLongest(wide);
    expect(await ping(alice, "10.1.0.2", { size: 65535 - PING_HEADER_BYTES })).toEqual(noLoss(5));
    expect(longest()).toBe(HEADER_BYTES + 65535);
  });

  it("a file each way, in frames beyond 60,000 bytes", async () => {
    const { alice, bob, wide, large } = lab();
    const longest = watchLongest(wide);
    expect(await fetchFile(alice, "10.1.0.2", large.bob)).toBe(large.bob.md5);
    expect(await fetchFile(bob, "10.1.0.1", large.alice)).toBe(large.alice.md5);
    expect(longest()).toBeGreaterThan(60_000);
  });

  // TCP's long segments, which cards hand on as they are, go beyond it.
  it("the guest may choose a smaller MTU", async () => {
    const { alice, bob, wide, small } = lab();
    for (const guest of [alice, bob]) await guest.sh("ip link set eth1 mtu 9000");
    const longest = watchLongest(wide);
    expect(await ping(alice, "10.1.0.2", { size: 9000 - PING_HEADER_BYTES })).toEqual(noLoss(5));
    expect(longest()).toBe(HEADER_BYTES + 9000);
    expect(await fetchFile(alice, "10.1.0.2", small.bob)).toBe(small.bob.md5);
    for (const guest of [alice, bob]) await guest.sh("ip link set eth1 mtu 65535");
  });

  it("the guest may not choose a larger one than the card's", async () => {
    const { code } = await lab().alice.guest.run("ip link set eth0 mtu 1501");
    expect(code).not.toBe(0);
  });
}

/** Watches a hub until it is asked for the longest frame that crossed it. */
function watchLongest(hub: Hub): () => number {
  let longest = 0;
  const stop = hub.tap((_frame, lengthBytes) => {
    longest = Math.max(longest, lengthBytes);
  });
  return () => {
    stop();
    return longest;
  };
}
