import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { nextTurn, TestCard, testFrame, until } from "@vmmkit/ethif-compliance";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LiveBackend, LiveCaptureError, type LiveOptions, liveBackend } from "../../src/node/index.ts";
import { ip, ownNetwork, type VethPair, vethPair } from "../support/own-network.ts";

const impossible = ownNetwork();
const CARD = Uint8Array.of(2, 0, 0, 0, 0, 1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 2);
const DEADLINE_MS = 10_000;

let pair: VethPair;
const open: LiveBackend[] = [];

beforeEach((context) => {
  if (impossible !== null) context.skip(impossible);
  pair = vethPair(1500);
});

afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

/** A card at one end of the pair. */
function cardAt(name: string, options: Partial<LiveOptions> = {}): { card: TestCard; backend: LiveBackend } {
  const backend = liveBackend({ interface: name, ...options });
  open.push(backend);
  const card = new TestCard(backend);
  card.init();
  card.post(64, [1600]);
  return { card, backend };
}

function frame(number: number, size = 60, to: Uint8Array = CARD): Uint8Array {
  return testFrame({ to, from: OTHER, number, size });
}

/** Numbers that tell frames of `testFrame` apart, as the card got them. */
async function receivedAtLeast(card: TestCard, count: number): Promise<readonly Uint8Array[]> {
  await until(
    () => card.received.length >= count,
    DEADLINE_MS,
    () => `${card.received.length} of ${count} frames came`,
  );
  return card.received;
}

test("tcpdump on the far end sees what the card sends", async () => {
  const tcpdump = spawn("tcpdump", ["-i", pair.far, "-Q", "in", "-c", "2", "-nn", "-e", "--immediate-mode", "-l"]);
  try {
    await once(createInterface(tcpdump.stderr), "line");
    // It says that it listens when it does.
    const { card } = cardAt(pair.near);
    card.transmit(frame(1, 60, OTHER));
    card.transmit(frame(2, 1514, OTHER));
    const lines: string[] = [];
    for await (const line of createInterface(tcpdump.stdout)) if (line.includes("02:00:00:00:00:02")) lines.push(line);
    expect(lines.map((line) => /length (\d+)/.exec(line)?.[1])).toEqual(["60", "1514"]);
  } finally {
    tcpdump.kill();
  }
});

test("a filter chooses frames, and may be changed while they flow", async () => {
  const { card, backend } = cardAt(pair.near, { filter: "greater 100" });
  const { card: sender } = cardAt(pair.far);
  for (const size of [60, 200, 99, 100]) sender.transmit(frame(1, size));
  expect((await receivedAtLeast(card, 2)).map(({ length }) => length)).toEqual([200, 100]);
  backend.setFilter("ether dst 02:00:00:00:00:01 and less 80");
  for (const size of [200, 60]) sender.transmit(frame(2, size));
  expect((await receivedAtLeast(card, 3)).map(({ length }) => length)).toEqual([200, 100, 60]);
  expect(() => backend.setFilter("no such thing")).toThrow(LiveCaptureError);
  sender.transmit(frame(3, 61));
  expect((await receivedAtLeast(card, 4)).at(-1)).toHaveLength(61);
});

test("a snap length cuts frames, and counts that", async () => {
  const { card, backend } = cardAt(pair.near, { snapLength: 100 });
  const { card: sender } = cardAt(pair.far);
  const long = frame(1, 1000);
  sender.transmit(long);
  sender.transmit(frame(2, 80));
  const received = await receivedAtLeast(card, 2);
  expect(received[0]).toEqual(long.subarray(0, 100));
  expect(received[1]).toEqual(frame(2, 80));
  expect(backend.stats().cut).toBe(1);
});

test("frames longer than the MTU allows, such as joined segments, are left out and counted", async () => {
  const { card, backend } = cardAt(pair.near);
  ip(`link set ${pair.near} mtu 3000`);
  ip(`link set ${pair.far} mtu 3000`);
  try {
    const { card: sender } = cardAt(pair.far);
    sender.transmit(frame(1, 2000));
    sender.transmit(frame(2, 60));
    expect(await receivedAtLeast(card, 1)).toEqual([frame(2, 60)]);
    expect(backend.stats().dropped.tooLong).toBe(1);
  } finally {
    for (const name of [pair.near, pair.far]) ip(`link set ${name} mtu 1500`);
  }
});

test("promiscuous or not is what the interface is told", async () => {
  const promiscuity = (): string => /promiscuity (\d+)/.exec(ip(`-d link show ${pair.near}`))?.[1] ?? "";
  const { backend } = cardAt(pair.near, { promiscuous: false });
  expect(promiscuity()).toBe("0");
  cardAt(pair.near);
  expect(promiscuity()).toBe("1");
  await backend.close();
});

test("what the host itself sends there comes only where it is asked for", async () => {
  const { card: inside } = cardAt(pair.near);
  const { card: both } = cardAt(pair.near, { direction: "both" });
  const { card: host } = cardAt(pair.near, { filter: "less 1" });
  const { card: far } = cardAt(pair.far);
  host.transmit(frame(1));
  far.transmit(frame(2));
  expect(await receivedAtLeast(both, 2)).toEqual([frame(1), frame(2)]);
  expect(await receivedAtLeast(inside, 1)).toEqual([frame(2)]);
});

test("an interface that is deleted and made again is found again, with the filter that was set", async () => {
  const own = vethPair(1400);
  const { card, backend } = cardAt(own.near);
  backend.setFilter("greater 100");
  own.remove();
  await until(
    () => card.linkChanges.at(-1) === false,
    DEADLINE_MS,
    () => "the link is not down",
  );
  card.transmit(frame(1));
  expect(backend.stats()).toMatchObject({ lost: 1, recovered: 0, dropped: { down: 1 } });
  ip(`link add ${own.near} mtu 1400 type veth peer name ${own.far} mtu 1400`);
  for (const name of [own.far, own.near]) ip(`link set ${name} up`);
  await until(
    () => card.linkChanges.at(-1) === true,
    DEADLINE_MS,
    () => "the link is not up",
  );
  const { card: sender } = cardAt(own.far);
  for (const size of [60, 101]) sender.transmit(frame(2, size));
  expect(await receivedAtLeast(card, 1)).toEqual([frame(2, 101)]);
  expect(backend.stats()).toMatchObject({ lost: 1, recovered: 1 });
});

test("impossible options throw at once, and say what is wrong", () => {
  const made: [Partial<LiveOptions>, string][] = [
    [{ interface: "" }, '"interface" expected'],
    [{ interface: "nothing0" }, 'interface "nothing0": there is none of that name'],
    [{ filter: "ether dst nobody at all" }, '"ether dst nobody at all": '],
    [{ snapLength: 13 }, '"snapLength" expected an integer from 14 to 262144, got 13'],
    [{ timeoutMs: 0 }, '"timeoutMs" expected'],
    [{ bufferFrames: 0 }, '"bufferFrames" expected'],
    [{ queueFrames: -1 }, '"queueFrames" expected'],
  ];
  for (const [options, message] of made) {
    expect(() => liveBackend({ interface: pair.near, ...options })).toThrow(message);
  }
});

test("an interface that carries no Ethernet frames is refused by name", () => {
  ip("tuntap add dev tun0 mode tun");
  ip("link set tun0 up");
  expect(() => liveBackend({ interface: "tun0" })).toThrow("expected an Ethernet interface, this one is RAW");
});

test("nothing is read or written when it is closed, and no descriptor is left", async () => {
  const { card, backend } = cardAt(pair.near);
  const { card: sender } = cardAt(pair.far);
  await backend.close();
  sender.transmit(frame(1));
  await nextTurn();
  expect(card.received).toEqual([]);
  expect(backend.printState(card.driver)).toContain("closed");
});

test("frames in more pieces than a system call takes go too", async () => {
  const { card } = cardAt(pair.near);
  const { card: far } = cardAt(pair.far);
  const whole = frame(1, 1514);
  card.transmit(whole, new Array<number>(1514).fill(1));
  expect(await receivedAtLeast(far, 1)).toEqual([whole]);
});
