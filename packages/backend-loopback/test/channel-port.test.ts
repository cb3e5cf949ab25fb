import { formatMac } from "@vmmkit/ethif";
import { describe, expect, test } from "vitest";
import { channelBackend, FrameChannel, frameChannelMemory, Hub, type HubChannelPort } from "../src/index.ts";
import { MIN_RING_BYTES } from "../src/ring-layout.ts";
import { BROADCAST, Station } from "./support/cards.ts";
import { FakeDoorbell } from "./support/fake-doorbells.ts";

interface Remote {
  readonly port: HubChannelPort;
  readonly station: Station;
  readonly end: FrameChannel;
  readonly hubBell: FakeDoorbell;
  readonly cardBell: FakeDoorbell;
  readonly memory: SharedArrayBuffer;
}

function remote(hub: Hub, rooms = 64): Remote {
  const memory = frameChannelMemory(MIN_RING_BYTES);
  const [hubBell, cardBell] = FakeDoorbell.pair();
  const port = hub.join(new FrameChannel({ memory, side: 0, doorbell: hubBell }));
  const end = new FrameChannel({ memory, side: 1, doorbell: cardBell });
  const backend = channelBackend(end, { mac: port.mac });
  const station = new Station(backend, rooms);
  // What a later turn does anyway: both ends ask to be rung.
  port.poll();
  backend.poll();
  return { port, station, end, hubBell, cardBell, memory };
}

/** All messages arrive. */
function deliver(...remotes: readonly Remote[]): void {
  while (remotes.some(({ hubBell, cardBell }) => hubBell.deliver() + cardBell.deliver() > 0));
}

describe("a hub's port to another thread", () => {
  test("joins its card with cards on this thread and on others", () => {
    const hub = new Hub();
    const local = new Station(hub.port());
    const [first, second] = [remote(hub), remote(hub)];
    first.station.send(1, BROADCAST);
    deliver(first, second);
    expect([local.arrived(), second.station.arrived(), first.station.arrived()]).toEqual([[1], [1], []]);
    second.station.send(2, first.station.link.mac);
    deliver(first, second);
    expect([local.arrived(), second.station.arrived(), first.station.arrived()]).toEqual([[], [], [2]]);
    local.send(3, second.station.link.mac);
    deliver(first, second);
    expect([local.arrived(), second.station.arrived(), first.station.arrived()]).toEqual([[], [3], []]);
    expect(first.port.stats()).toMatchObject({ name: "port2", framesIn: 1, framesOut: 1, flooded: 1 });
  });

  test("makes up an address for its card that nobody else has", () => {
    const hub = new Hub();
    const [first, second] = [remote(hub), remote(hub)];
    expect(formatMac(first.port.mac)).not.toBe(formatMac(second.port.mac));
  });

  test("rings once for a burst", () => {
    const hub = new Hub();
    const local = new Station(hub.port());
    const far = remote(hub);
    const before = far.hubBell.rung;
    for (let number = 0; number < 40; number++) local.send(number, BROADCAST);
    expect(far.hubBell.rung - before).toBe(1);
    deliver(far);
    expect(far.station.arrived()).toEqual([...Array(40).keys()]);
  });

  test("loses its own frames when its channel is full, and delays nobody", () => {
    const hub = new Hub();
    const sender = new Station(hub.port(), 0, 4 << 20);
    const local = new Station(hub.port(), 300, 1 << 20);
    const far = remote(hub, 0);
    const fits = Math.floor(MIN_RING_BYTES / 1504);
    for (let number = 0; number < 300; number++) sender.send(number, BROADCAST, sender.link.mac, 1500);
    expect(far.port.stats()).toMatchObject({ framesOut: fits, dropped: { noBuffers: 300 - fits } });
    expect(local.arrived().length).toBe(300);
  });

  test("tells the guest of its link", () => {
    const hub = new Hub();
    const local = new Station(hub.port());
    const far = remote(hub);
    far.port.setLink(false);
    far.port.setLink(false);
    deliver(far);
    expect(far.station.card.linkChanges).toEqual([false]);
    local.send(1, BROADCAST);
    expect(far.port.stats()).toMatchObject({ linkUp: false, dropped: { linkDown: 1 } });
    far.port.setLink(true);
    deliver(far);
    expect(far.station.card.linkChanges).toEqual([false, true]);
  });

  test("leaves the hub when its card's end is closed, after its last frames", () => {
    const hub = new Hub();
    const local = new Station(hub.port());
    const far = remote(hub);
    far.station.send(1, BROADCAST);
    far.end.close();
    deliver(far);
    expect(local.arrived()).toEqual([1]);
    expect(hub.stats().ports.map((port) => port.name)).toEqual(["port1"]);
    expect(far.hubBell.closed).toBe(true);
    far.port.close();
  });

  test("leaves the hub when its card's thread ends without a word", () => {
    const hub = new Hub();
    const far = remote(hub);
    far.hubBell.lose();
    expect(hub.stats().ports).toEqual([]);
  });

  test("leaves the hub when the ring makes no sense", () => {
    const hub = new Hub();
    const far = remote(hub);
    far.station.send(1, BROADCAST);
    const u32 = new Uint32Array(far.memory);
    u32[u32.indexOf(60)] = 0;
    deliver(far);
    expect(hub.stats().ports).toEqual([]);
    expect(far.port.stats().corrupt).toBe(1);
    expect(far.station.card.linkChanges).toEqual([false]);
  });

  test("may be closed by the embedder, and the guest's carrier goes", () => {
    const hub = new Hub();
    const far = remote(hub);
    far.port.close();
    deliver(far);
    expect(far.station.card.linkChanges).toEqual([false]);
    expect(hub.stats().ports).toEqual([]);
  });

  test("gives other ports their turn while it has much to do", () => {
    const later: (() => void)[] = [];
    const hub = new Hub({ defer: (task) => later.push(task) });
    const memory = frameChannelMemory(0x10_0000);
    const [hubBell, cardBell] = FakeDoorbell.pair();
    const card = channelBackend(new FrameChannel({ memory, side: 1, doorbell: cardBell }));
    const station = new Station(card, 0, 4 << 20);
    for (let number = 0; number < 10_000; number++) station.send(number, BROADCAST, station.link.mac, 14);
    const port = hub.join(new FrameChannel({ memory, side: 0, doorbell: hubBell }));
    later.shift()?.();
    expect(port.stats().framesIn).toBe(4096);
    expect(later.length).toBe(1);
    later.shift()?.();
    later.shift()?.();
    expect(port.stats().framesIn).toBe(10_000);
    expect(later.length).toBe(0);
  });

  test("may join two hubs", () => {
    const hubs = [new Hub(), new Hub()] as const;
    const memory = frameChannelMemory();
    const bells = FakeDoorbell.pair();
    for (const side of [0, 1] as const)
      hubs[side].join(new FrameChannel({ memory, side, doorbell: bells[side] })).poll();
    const [first, second] = [new Station(hubs[0].port()), new Station(hubs[1].port())];
    first.send(1, BROADCAST);
    while (bells[0].deliver() + bells[1].deliver() > 0);
    expect(second.arrived()).toEqual([1]);
    second.send(2, first.link.mac);
    while (bells[0].deliver() + bells[1].deliver() > 0);
    expect(first.arrived()).toEqual([2]);
  });
});
