import { TxResult } from "@vmmkit/ethif";
import { frameNumber, PeerCard, testBackend, testFrame } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import {
  type ChannelBackend,
  type ChannelBackendOptions,
  channelBackend,
  FrameChannel,
  frameChannelMemory,
  Hub,
} from "../src/index.ts";
import { MIN_RING_BYTES } from "../src/ring-layout.ts";
import { BROADCAST, Station } from "./support/cards.ts";
import { channelEnds } from "./support/channel-ends.ts";
import { sum, totalDropped } from "./support/dropped.ts";
import { FakeDoorbell } from "./support/fake-doorbells.ts";

testBackend({
  name: "channel, end to end",
  keeps: 200,
  setup: () => {
    const [near, far] = channelEnds();
    const backend = channelBackend(near);
    const farBackend = channelBackend(far);
    const peer = new PeerCard(farBackend);
    return {
      backend,
      peer: Object.assign(peer, { setLink: (up: boolean) => far.setLink(up) }),
      dropped: () => sum(backend.stats().dropped) + sum(farBackend.stats().dropped),
      fail: () => farBackend.close(),
    };
  },
  teardown: async ({ fail }) => fail?.(),
});

testBackend({
  name: "channel to a hub",
  keeps: 200,
  setup: () => {
    const hub = new Hub({ mtu: 9000 });
    const [near, far] = channelEnds();
    const port = hub.join(far);
    const backend = channelBackend(near, { mac: port.mac, mtu: 9000 });
    const peer = new PeerCard(hub.port());
    return {
      backend,
      peer: Object.assign(peer, { setLink: (up: boolean) => port.setLink(up) }),
      dropped: () => totalDropped(hub) + sum(backend.stats().dropped),
      fail: () => port.close(),
    };
  },
  teardown: async ({ fail }) => fail?.(),
});

/** One card and its end of a channel. */
interface Side {
  readonly backend: ChannelBackend;
  readonly station: Station;
  readonly bell: FakeDoorbell;
}

interface Pair {
  readonly near: Side;
  readonly far: Side;
  readonly memory: SharedArrayBuffer;
  /** Messages arrive and deferred work is done, until there is nothing more. */
  settle(): void;
}

/** Two cards on two ends, whose messages arrive when the test says so. */
function pair(rooms = 64, options: ChannelBackendOptions = {}): Pair {
  const memory = frameChannelMemory(MIN_RING_BYTES);
  const later: (() => void)[] = [];
  const bells = FakeDoorbell.pair();
  const [near, far] = ([0, 1] as const).map((side) => {
    const bell = bells[side];
    const end = new FrameChannel({ memory, side, doorbell: bell });
    const backend = channelBackend(end, { defer: (task) => later.push(task), ...options });
    return { backend, bell, station: new Station(backend, rooms, 4 << 20) };
  });
  if (near === undefined || far === undefined) throw new Error("no pair");
  const settle = (): void => {
    do for (const task of later.splice(0)) task();
    while (bells[0].deliver() + bells[1].deliver() + later.length > 0);
  };
  settle();
  return { near, far, memory, settle };
}

function burst(side: Side, first: number, count: number, size = 60): number[] {
  const { card, link } = side.station;
  const results: number[] = [];
  for (let number = first; number < first + count; number++) {
    results.push(card.transmit(testFrame({ to: BROADCAST, from: link.mac, size, number })));
  }
  card.flush();
  return results;
}

describe("the doorbell", () => {
  test("rings once for all that comes before the other side has looked", () => {
    const { near, far, settle } = pair();
    for (let i = 0; i < 10; i++) burst(near, i * 5, 5);
    expect(near.bell.rung).toBe(1);
    settle();
    expect(far.station.arrived()).toEqual([...Array(50).keys()]);
    expect(far.station.card.rxBatches).toBe(1);
    burst(near, 50, 1);
    expect(near.bell.rung).toBe(2);
  });

  test("is not waited for where the embedder polls", () => {
    const { near, far } = pair();
    burst(near, 1, 3);
    far.backend.poll();
    expect(far.station.arrived()).toEqual([1, 2, 3]);
    burst(far, 4, 1);
    near.backend.poll();
    expect(near.station.arrived()).toEqual([4]);
  });

  test("a poll without work brings nothing about", () => {
    const { near, far } = pair();
    const before = near.bell.rung + far.bell.rung;
    for (let i = 0; i < 100; i++) {
      near.backend.poll();
      far.backend.poll();
    }
    expect(near.bell.rung + far.bell.rung).toBe(before);
    expect(near.station.card.rxBatches).toBe(0);
  });

  test("a message from somebody else does no harm", () => {
    const { near, far, settle } = pair();
    near.bell.postMessage();
    settle();
    expect(far.station.card.rxBatches).toBe(0);
  });
});

describe("a full channel", () => {
  const perChannel = Math.floor(MIN_RING_BYTES / 1504);

  test("makes frames wait in the guest's memory, and lets them follow in order", () => {
    const { near, far, settle } = pair(0);
    const results = burst(near, 0, perChannel + 20, 1500);
    expect(results.filter((result) => result === TxResult.Complete).length).toBe(perChannel);
    expect(results.slice(perChannel)).toEqual(new Array(20).fill(TxResult.Enqueued));
    expect(near.backend.stats()).toMatchObject({ enqueued: 20, framesOut: perChannel });
    settle();
    expect(near.station.card.lent).toBe(20);
    far.station.card.post(perChannel + 20, [1600]);
    settle();
    expect(near.station.card.lent).toBe(0);
    expect(far.station.arrived()).toEqual([...Array(perChannel + 20).keys()]);
    near.station.card.verify();
    far.station.card.verify();
  });

  test("wakes the sender once for half of it, not for each frame", () => {
    const { near, far, settle } = pair(0);
    burst(near, 0, perChannel + 1, 1500);
    settle();
    const before = far.bell.rung;
    for (let i = 0; i < perChannel + 1; i++) far.station.card.post(1, [1600]);
    settle();
    expect(far.bell.rung - before).toBe(1);
    expect(far.station.arrived().length).toBe(perChannel + 1);
  });

  test("drops and counts what does not fit the queue either", () => {
    const { near } = pair(0, { queueFrames: 3 });
    const results = burst(near, 0, perChannel + 5, 1500);
    expect(results.slice(perChannel)).toEqual([
      TxResult.Enqueued,
      TxResult.Enqueued,
      TxResult.Enqueued,
      TxResult.Failed,
      TxResult.Failed,
    ]);
    expect(near.backend.stats().dropped.noSpace).toBe(2);
  });

  test("lets a card that is reset have its frames back", () => {
    const { near, far, settle } = pair(0);
    burst(near, 0, perChannel + 5, 1500);
    near.station.card.reset();
    far.station.card.post(2 * perChannel, [1600]);
    settle();
    expect(near.station.card.lent).toBe(0);
    expect(far.station.arrived()).toEqual([...Array(perChannel).keys()]);
    expect(near.backend.stats().dropped.closed).toBe(5);
  });
});

describe("the other side", () => {
  test("is read to the end before its carrier goes", async () => {
    const { near, far, settle } = pair();
    burst(near, 1, 3);
    await near.backend.close();
    settle();
    expect(far.station.arrived()).toEqual([1, 2, 3]);
    expect(far.station.card.linkChanges).toEqual([false]);
    expect(far.station.send(4, BROADCAST)).toBe(TxResult.Failed);
    expect(far.backend.stats().dropped.linkDown).toBe(1);
    expect(far.backend.printState(far.station.card.driver)).toContain("link down");
  });

  test("that ends without a word takes the carrier along, and frames that wait for it come back", () => {
    const { near, far, settle } = pair(0);
    burst(far, 0, 200, 1500);
    expect(far.station.card.lent).toBeGreaterThan(0);
    far.bell.lose();
    settle();
    expect(far.station.card.linkChanges).toEqual([false]);
    expect(far.station.card.lent).toBe(0);
    expect(near.station.card.linkChanges).toEqual([]);
  });

  test("is not believed once it writes something impossible", () => {
    const { near, far, memory, settle } = pair();
    burst(near, 1, 1);
    const u32 = new Uint32Array(memory);
    const record = u32.indexOf(60);
    expect(record).toBeGreaterThan(0);
    u32[record] = 0xffff_0000;
    settle();
    expect(far.backend.stats()).toMatchObject({ corrupt: 1, framesIn: 0 });
    expect(far.station.card.linkChanges).toEqual([false]);
    expect(near.station.card.linkChanges).toEqual([false]);
    expect(far.station.send(2, BROADCAST)).toBe(TxResult.Failed);
  });

  test("gone before the card is made: the link is down from the start", () => {
    const memory = frameChannelMemory();
    const [nearBell, farBell] = FakeDoorbell.pair();
    new FrameChannel({ memory, side: 1, doorbell: farBell }).close();
    const backend = channelBackend(new FrameChannel({ memory, side: 0, doorbell: nearBell }));
    expect(new Station(backend).link.linkUp).toBe(false);
  });
});

test("frames that came before there was a card are there when it is", () => {
  const memory = frameChannelMemory();
  const [nearBell, farBell] = FakeDoorbell.pair();
  const later: (() => void)[] = [];
  const near = channelBackend(new FrameChannel({ memory, side: 0, doorbell: nearBell }));
  const far = channelBackend(new FrameChannel({ memory, side: 1, doorbell: farBell }), {
    defer: (task) => later.push(task),
  });
  new Station(near).send(1, BROADCAST);
  farBell.deliver();
  const station = new Station(far);
  expect(station.arrived()).toEqual([]);
  for (const task of later) task();
  expect(station.arrived()).toEqual([1]);
});

test("frames of another MTU than the card's are dropped and counted", () => {
  const memory = frameChannelMemory();
  const [nearBell, farBell] = FakeDoorbell.pair();
  const near = channelBackend(new FrameChannel({ memory, side: 0, doorbell: nearBell }), { mtu: 9000 });
  const far = channelBackend(new FrameChannel({ memory, side: 1, doorbell: farBell }), { mtu: 1500 });
  const [sender, receiver] = [new Station(near), new Station(far)];
  expect(sender.send(1, BROADCAST, sender.link.mac, 9014)).toBe(TxResult.Complete);
  expect(sender.send(2, BROADCAST, sender.link.mac, 1514)).toBe(TxResult.Complete);
  expect(receiver.send(3, BROADCAST, sender.link.mac, 1519)).toBe(TxResult.Failed);
  far.poll();
  expect(receiver.arrived()).toEqual([2]);
  expect(far.stats().dropped.tooLong).toBe(2);
  expect(frameNumber(new Uint8Array(0))).toBe(-1);
});
