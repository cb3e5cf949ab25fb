import { Hub } from "@vmmkit/backend-loopback";
import type { AddVirtioNetOptions } from "@vmmkit/v86";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bitNumbers } from "./linux/probe.ts";
import { CardGuest } from "./support/card-guest.ts";
import { configure, fetchFile, noLoss, ping, type ServedFile, serveFile } from "./support/traffic.ts";

/** What leaves nothing to a guest, and takes nothing from it. */
const NONE: AddVirtioNetOptions = { without: ["CSUM", "GUEST_CSUM"] };
const FULL_FRAME_BYTES = 1514;

/** Two guests on two hubs: first cards with all there is, second ones as the test wants them. */
interface Pair {
  readonly hub: Hub;
  readonly alice: CardGuest;
  readonly bob: CardGuest;
  readonly files: Readonly<Record<"alice" | "bob", ServedFile>>;
}

describe("Linux and offloads", () => {
  let current: Pair | null = null;
  const pair = (): Pair => {
    if (current === null) throw new Error("the guests did not boot");
    return current;
  };

  beforeAll(async () => {
    const first = new Hub();
    const hub = new Hub();
    const plans = () => [{ backend: first.port() }, { backend: hub.port() }];
    const [alice, bob] = await Promise.all([CardGuest.boot("alice", plans()), CardGuest.boot("bob", plans())]);
    for (const [i, guest] of [alice, bob].entries()) {
      await configure(guest, "eth0", `10.0.0.${i + 1}`);
      await configure(guest, "eth1", `10.1.0.${i + 1}`);
    }
    const files = { alice: await serveFile(alice, 4), bob: await serveFile(bob, 4) };
    current = { hub, alice, bob, files };
  });

  afterAll(async () => {
    await Promise.all([current?.alice, current?.bob].map((guest) => guest?.destroy()));
  });

  it("all of them: TCP goes from guest to guest in long segments, and arrives whole", async () => {
    const { alice, bob, files } = pair();
    const before = { ...alice.card(0).counters.receive };
    expect(await fetchFile(alice, "10.0.0.2", files.bob)).toBe(files.bob.md5);
    const { frames, bytes } = alice.card(0).counters.receive;
    expect((bytes - before.bytes) / (frames - before.frames)).toBeGreaterThan(2 * FULL_FRAME_BYTES);
    expect(await fetchFile(bob, "10.0.0.1", files.alice)).toBe(files.alice.md5);
  });

  it.each<[string, AddVirtioNetOptions]>([
    ["no offloads", NONE],
    ["no offloads and no MRG_RXBUF", { without: ["CSUM", "GUEST_CSUM", "MRG_RXBUF"] }],
    ["checksums alone", { without: ["HOST_TSO4", "HOST_TSO6", "HOST_UFO", "GUEST_TSO4", "GUEST_TSO6", "GUEST_UFO"] }],
    ["transmit alone", { without: ["GUEST_CSUM"] }],
    ["receive alone", { without: ["CSUM"] }],
  ])("against a card with %s: files both ways, and ping", async (_what, options) => {
    const { hub, alice, bob, files } = pair();
    const card = await bob.swapCard(1, { backend: hub.port(), options });
    await configure(bob, "eth1", "10.1.0.2");
    const features = bitNumbers(await bob.sh("cat /sys/class/net/eth1/device/features"));
    const without: readonly string[] = options.without ?? [];
    expect([features.includes(0), features.includes(1)]).toEqual([
      !without.includes("CSUM"),
      !without.includes("GUEST_CSUM"),
    ]);
    // The new card has another address: its guest asks first, and the other one learns it by that.
    expect(await ping(bob, "10.1.0.1")).toEqual(noLoss(5));
    expect(await fetchFile(alice, "10.1.0.2", files.bob)).toBe(files.bob.md5);
    expect(await fetchFile(bob, "10.1.0.1", files.alice)).toBe(files.alice.md5);
    const { transmit, receive } = card.counters;
    expect(transmit.dropped).toMatchObject({ checksum: 0, segmentation: 0, tooLong: 0 });
    expect(receive.dropped).toMatchObject({ offload: 0, tooLong: 0 });
    if (!features.includes(7)) expect(receive.bytes / receive.frames).toBeLessThanOrEqual(FULL_FRAME_BYTES);
  });

  it("two cards without: as before there were any", async () => {
    const { hub, alice, bob, files } = pair();
    await alice.swapCard(1, { backend: hub.port(), options: NONE });
    await bob.swapCard(1, { backend: hub.port(), options: NONE });
    await configure(alice, "eth1", "10.1.0.1");
    await configure(bob, "eth1", "10.1.0.2");
    expect(await ping(bob, "10.1.0.1")).toEqual(noLoss(5));
    expect(await fetchFile(alice, "10.1.0.2", files.bob)).toBe(files.bob.md5);
  });

  it("no card complained of its guest", () => {
    expect([pair().alice, pair().bob].flatMap(({ complaints }) => complaints)).toEqual([]);
  });
});
