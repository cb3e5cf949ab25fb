import type { Hub } from "@vmmkit/backend-loopback";
import type { AddVirtioNetOptions } from "@vmmkit/v86";
import type { VirtioNetFeature } from "@vmmkit/virtio-net";
import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";
import { configure, fetchFile, noLoss, ping } from "../support/traffic.ts";
import { bitNumbers } from "./probe.ts";

/** Numbers of the features' bits. */
const BITS = {
  MTU: 3,
  MRG_RXBUF: 15,
  STATUS: 16,
  ANY_LAYOUT: 27,
  INDIRECT_DESC: 28,
  EVENT_IDX: 29,
} as const satisfies Partial<Record<VirtioNetFeature, number>>;
const EVERY_FEATURE = Object.keys(BITS) as (keyof typeof BITS)[];

/** Cards that offer less, or have longer queues, in the slot of alice's second card. */
export function variantTests(lab: () => Lab): void {
  it("without MRG_RXBUF at MTU 65535: a chain of pages for each frame", async () => {
    const { wide } = lab();
    await expectVariant(lab(), wide, "10.1.0", { without: ["MRG_RXBUF"] });
    expect(await ping(lab().alice, "10.1.0.2", { size: 65507 })).toEqual(noLoss(5));
  });

  for (const feature of EVERY_FEATURE) {
    it(`without ${feature}`, () => expectVariant(lab(), lab().side, "10.2.0", { without: [feature] }));
  }

  it("without any of them", () => expectVariant(lab(), lab().side, "10.2.0", { without: EVERY_FEATURE }));

  it("receive queue of 1024", () => expectVariant(lab(), lab().side, "10.2.0", { rxQueueSize: 1024 }));

  it("transmit queue of 1024", () => expectVariant(lab(), lab().side, "10.2.0", { txQueueSize: 1024 }));

  // Linux holds a frame back until 19 entries are free.
  it("the shortest queues that Linux can use", () =>
    expectVariant(lab(), lab().side, "10.2.0", { rxQueueSize: 2, txQueueSize: 32 }));
}

/** Puts such a card into alice, pings and moves a file each way. */
async function expectVariant(lab: Lab, hub: Hub, net: string, options: AddVirtioNetOptions): Promise<void> {
  const { alice, bob, small } = lab;
  const card = await alice.swapCard(1, { backend: hub.port(), options });
  const without = options.without ?? [];
  const features = bitNumbers(await alice.sh("cat /sys/class/net/eth1/device/features"));
  for (const feature of EVERY_FEATURE) expect(features.includes(BITS[feature])).toBe(!without.includes(feature));
  const [rx, tx] = card.emul.virtq.map(({ size }) => size);
  expect([rx, tx]).toEqual([options.rxQueueSize ?? 256, options.txQueueSize ?? 256]);
  await configure(alice, "eth1", `${net}.1`);
  expect(await ping(alice, `${net}.2`)).toEqual(noLoss(5));
  expect(await fetchFile(alice, `${net}.2`, small.bob)).toBe(small.bob.md5);
  expect(await fetchFile(bob, `${net}.1`, small.alice)).toBe(small.alice.md5);
}
