import { GUEST_NET_FEATURES, GuestNetDriver, GuestRam } from "@vmmkit/guest-driver";
import { VIRTIO_F_IN_ORDER, VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1, VIRTIO_NET_F_MQ } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { words } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region, serve } from "./support/rig.ts";
import { VhostTransport, type VhostTransportOptions } from "./support/vhost-transport.ts";

const MODERN = [...GUEST_NET_FEATURES, VIRTIO_F_VERSION_1];
const frames = Array.from({ length: 40 }, (_, i) => new Uint8Array(60 + 30 * i).fill(i + 1));

/** A driver whose rings the back-end works on. */
function start(features: readonly number[], options: VhostTransportOptions = {}, queuePairs = 1) {
  const rig = serve({ queuePairs });
  const frontEnd = rig.connect();
  frontEnd.tell(3);
  if (options.protocolFeatures !== false) frontEnd.agree();
  const { fd, buffer } = guestMemory();
  frontEnd.tell(5, memoryTable(region()), [fd]);
  const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
  const transport = new VhostTransport(frontEnd, options);
  const driver = new GuestNetDriver(transport, ram, { features, queuePairs });
  driver.start();
  const receive = (): Uint8Array[] => {
    frontEnd.turn();
    driver.onInterrupt();
    return driver.receiveAll();
  };
  return { ...rig, frontEnd, driver, transport, receive, ram };
}

describe("a card's rings over vhost-user", () => {
  it.each([
    ["split, legacy", GUEST_NET_FEATURES, {}],
    ["split, modern", MODERN, {}],
    ["split, in order", [...MODERN, VIRTIO_F_IN_ORDER], {}],
    ["packed", [...MODERN, VIRTIO_F_RING_PACKED], {}],
    ["packed, in order", [...MODERN, VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER], {}],
    ["without PROTOCOL_FEATURES, rings work without being enabled", MODERN, { protocolFeatures: false }],
  ])("%s: what is sent comes back", (_name, features, options) => {
    const { driver, receive, backend } = start(features, options);
    for (let round = 0; round < 3; round++) {
      expect(driver.sendBatch(frames)).toBe(frames.length);
      expect(receive()).toEqual(frames);
    }
    driver.verifyGuards();
    expect(backend.counters.failures).toBe(0);
  });

  it("a driver that comes after a reset may want other features", () => {
    const { driver, receive, ram, transport } = start([...MODERN, VIRTIO_F_RING_PACKED]);
    driver.sendBatch(frames);
    expect(receive()).toEqual(frames);
    driver.reset();
    const next = new GuestNetDriver(transport, ram, { features: GUEST_NET_FEATURES });
    next.start();
    expect(next.sendBatch(frames)).toBe(frames.length);
    transport.notify(1);
    next.onInterrupt();
    expect(next.receiveAll()).toEqual(frames);
  });

  it.each([
    ["split", MODERN],
    ["packed", [...MODERN, VIRTIO_F_RING_PACKED]],
  ])("%s: a ring that GET_VRING_BASE stopped goes on there", (_name, features) => {
    const { driver, receive, frontEnd, transport } = start(features);
    driver.sendBatch(frames);
    expect(receive()).toEqual(frames);
    const bases = transport.queues.map(({ index }) => frontEnd.ask(11, words(index, 0)).getUint32(4, true));
    expect(driver.sendBatch(frames.slice(0, 3))).toBe(3);
    frontEnd.turn();
    for (const [i, queue] of transport.queues.entries()) transport.setUp(queue, bases[i]);
    expect(receive()).toEqual(frames.slice(0, 3));
  });

  it("a ring of which nothing was said is left alone until it is enabled", () => {
    const { driver, receive, frontEnd } = start(MODERN, { enable: false });
    driver.sendBatch(frames.slice(0, 2));
    expect(receive()).toEqual([]);
    for (const ring of [0, 1]) frontEnd.tell(18, words(ring, 1));
    expect(receive()).toEqual(frames.slice(0, 2));
  });

  it("enabled rings say how many pairs are in use, where the front-end has the control queue", () => {
    const { driver, frontEnd, backend, transport } = start([...MODERN, VIRTIO_NET_F_MQ], {}, 3);
    expect([driver.has(VIRTIO_NET_F_MQ), backend.device.queuePairs]).toEqual([true, 3]);
    const sendOnEach = (): number[] =>
      [0, 1, 2].map((pair) => {
        driver.sendOn(pair, frames[pair] as Uint8Array);
        transport.notify(2 * pair + 1);
        return [0, 1, 2].flatMap((other) => driver.receiveFrom(other)).length;
      });
    expect(sendOnEach()).toEqual([1, 1, 1]);
    for (const ring of [4, 5]) frontEnd.tell(18, words(ring, 0));
    expect([backend.device.queuePairs, sendOnEach()]).toEqual([2, [1, 1, 0]]);
    for (const ring of [4, 5]) frontEnd.tell(18, words(ring, 1));
    frontEnd.turn();
    expect(backend.device.queuePairs).toBe(3);
    expect([0, 1, 2].flatMap((pair) => driver.receiveFrom(pair))).toEqual([]);
    expect(sendOnEach()).toEqual([1, 1, 1]);
  });

  it("rings go on while memory is plugged in and out", () => {
    const { driver, receive, frontEnd, backend } = start(MODERN);
    const more = guestMemory(1 << 20);
    expect(frontEnd.order(37, Uint8Array.from([...words(0, 0), ...region(2 ** 32, 1 << 20, 0x1000)]), [more.fd])).toBe(
      true,
    );
    expect(backend.memory.regions.length).toBe(2);
    driver.sendBatch(frames);
    expect(receive()).toEqual(frames);
    expect(frontEnd.order(38, Uint8Array.from([...words(0, 0), ...region(2 ** 32, 1 << 20, 0x1000)]))).toBe(true);
    expect(backend.memory.regions.length).toBe(1);
    driver.sendBatch(frames);
    expect(receive()).toEqual(frames);
  });
});
