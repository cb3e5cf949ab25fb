import { Hub, loopbackBackend } from "@vmmkit/backend-loopback";
import {
  allocateRxBufs,
  type Backend,
  type EthDriver,
  type Frame,
  type RawIfaceFuncs,
  writeFrame,
} from "@vmmkit/ethif";
import type { GuestNetDriver } from "@vmmkit/guest-driver";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { QUEUE_LOOPS } from "../queue/queue-loops.ts";
import { TEE_LOOPS } from "../tee/tee-loops.ts";
import { benchGuest } from "./bench-guest.ts";
import { batchOf, type LoopMaker, type LoopOptions } from "./loop.ts";

/** Frames leave for a backend that takes them and does nothing: the ring, the card, and the call. */
const transmit: LoopMaker = (options, watch) => {
  const drivers = Array.from({ length: options.cards }, () => benchGuest(virtioNetDefaultBackend(), options, watch));
  for (const driver of drivers) driver.fill(new Uint8Array(options.bytes));
  const batch = batchOf(options);
  return () => {
    let frames = 0;
    for (const driver of drivers) frames += driver.burst(batch, options.bytes);
    return frames;
  };
};

/** Frames come from the host's memory: the room, one copy, and the ring. */
const receive: LoopMaker = (options, watch) => {
  const batch = batchOf(options);
  const source = new Uint8Array(options.bytes).fill(0xff, 0, 6);
  const rooms: Frame[] = [];
  const lengths: number[] = new Array<number>(batch).fill(options.bytes);
  const guests = Array.from({ length: options.cards }, () => {
    let callbacks: EthDriver["callbacks"] | null = null;
    const backend: RawIfaceFuncs = {
      ...virtioNetDefaultBackend(),
      lowLevelInit: (driver) => {
        callbacks = driver.callbacks;
        return { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: 1500 };
      },
    };
    const driver = benchGuest(backend, options, watch);
    if (callbacks === null) throw new Error("a card calls lowLevelInit");
    return { driver, callbacks: callbacks as EthDriver["callbacks"] };
  });
  return () => {
    let frames = 0;
    for (const { driver, callbacks } of guests) {
      watch.start();
      const count = allocateRxBufs(callbacks, batch, rooms, lengths);
      for (let i = 0; i < count; i++) writeFrame(rooms[i] as Frame, source);
      callbacks.rxComplete(count, rooms, lengths);
      watch.stop();
      frames += driver.reapReceive(count);
    }
    return frames;
  };
};

/** Each frame comes back to the guest that sent it. */
const loopback: LoopMaker = (options, watch) => {
  const driver = benchGuest(loopbackBackend(), options, watch);
  driver.fill(broadcast(options));
  const batch = batchOf(options);
  return () => {
    driver.burst(batch, options.bytes);
    return driver.reapReceive(batch);
  };
};

/** One card sends, all others get each frame. A frame counts once for each card that got it. */
const hub: LoopMaker = (options, watch) => hubOf(options, (backend) => benchGuest(backend, options, watch));

function hubOf(options: LoopOptions, guest: (backend: Backend) => GuestNetDriver): () => number {
  const hub = new Hub();
  const [sender, ...receivers] = Array.from({ length: options.cards }, () => guest(hub.port()));
  if (sender === undefined) throw new RangeError(`"cards" expected at least 1, got ${options.cards}`);
  sender.fill(broadcast(options));
  const batch = batchOf(options);
  return () => {
    sender.burst(batch, options.bytes);
    let frames = 0;
    for (const driver of receivers) frames += driver.reapReceive(batch);
    return frames;
  };
}

function broadcast({ bytes }: LoopOptions): Uint8Array {
  return new Uint8Array(bytes).fill(0xff, 0, 6).fill(2, 6, 12);
}

/** The loops by name. */
export const LOOPS: Readonly<Record<string, LoopMaker>> = {
  transmit,
  receive,
  loopback,
  hub,
  ...QUEUE_LOOPS,
  ...TEE_LOOPS,
};
