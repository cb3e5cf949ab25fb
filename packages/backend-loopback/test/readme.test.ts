import { MessageChannel } from "node:worker_threads";
import { until } from "@vmmkit/ethif-compliance";
import { expect, test } from "vitest";
import {
  type ChannelBackend,
  channelBackend,
  type Doorbell,
  FrameChannel,
  frameChannelMemory,
  Hub,
} from "../src/index.ts";
import { BROADCAST, Station } from "./support/cards.ts";

// The README's code, in the README's words.

function connect(hub: Hub, doorbell: Doorbell): { memory: SharedArrayBuffer; mac: Uint8Array } {
  const memory = frameChannelMemory();
  const port = hub.join(new FrameChannel({ memory, side: 0, doorbell }));
  return { memory, mac: port.mac };
}

function backendOf(memory: SharedArrayBuffer, mac: Uint8Array, doorbell: Doorbell): ChannelBackend {
  return channelBackend(new FrameChannel({ memory, side: 1, doorbell }), { mac });
}

test("two cards on one thread", async () => {
  const hub = new Hub({ mtu: 1500 });
  const backends = [hub.port({ name: "first" }), hub.port({ name: "second" })];
  const [first, second] = backends.map((backend) => new Station(backend));
  first?.send(1, BROADCAST);
  expect(second?.arrived()).toEqual([1]);
  expect(hub.stats().ports.map((port) => port.name)).toEqual(["first", "second"]);
  await backends[0]?.close();
  expect(hub.stats().ports.map((port) => port.name)).toEqual(["second"]);
});

test("two guests behind channels", async () => {
  const hub = new Hub();
  const stations = [0, 1].map(() => {
    const { port1, port2 } = new MessageChannel();
    const { memory, mac } = connect(hub, port1);
    return new Station(backendOf(memory, mac, port2));
  });
  const [first, second] = stations;
  first?.send(7, BROADCAST);
  await until(
    () => (second?.card.received.length ?? 0) > 0,
    5000,
    () => "the frame did not arrive",
  );
  expect(second?.arrived()).toEqual([7]);
  hub.close();
});
