import { Hub, loopbackBackend } from "@vmmkit/backend-loopback";
import { PeerCard, testBackend } from "@vmmkit/ethif-compliance";
import { afterEach, expect } from "vitest";
import { type FaultBackend, type FaultOptions, faultBackend } from "../src/index.ts";
import { balance, lostInAll } from "./support/balance.ts";
import { hastyClock } from "./support/hasty-clock.ts";

const made: FaultBackend[] = [];

afterEach(() => {
  for (const backend of made.splice(0)) {
    const { tx, rx } = backend.stats();
    expect([balance(tx), balance(rx)]).toEqual([0, 0]);
  }
});

/** Every kind of wait, none of loss: short enough for a test, and long enough that frames pile up. */
const SLOW: FaultOptions = {
  seed: 7,
  clock: hastyClock,
  tx: { delay: 0.5, delayMs: 1, jitterMs: 1, frames: { perSecond: 200_000, burst: 64 } },
  rx: { delay: 0.5, delayMs: 1, jitterMs: 1, bytes: { perSecond: 1e8, burst: 20_000 } },
};

function remember(backend: FaultBackend): FaultBackend {
  made.push(backend);
  return backend;
}

function total(counters: object): number {
  return Object.values(counters).reduce((sum, count) => sum + count, 0);
}

for (const [name, options] of [
  ["no fault", {}],
  ["delays and limits", SLOW],
] as const) {
  testBackend({
    name: `${name} over a loopback`,
    topology: "echo",
    keeps: 256,
    setup: () => {
      const loopback = loopbackBackend();
      const backend = remember(faultBackend(loopback, options));
      return { backend, dropped: () => total(loopback.stats().dropped) + lostInAll(backend.stats()) };
    },
  });

  testBackend({
    name: `${name} over a hub's port`,
    keeps: 200,
    setup: () => {
      const hub = new Hub();
      const port = hub.port();
      const peer = new PeerCard(hub.port());
      const backend = remember(faultBackend(port, options));
      const setLink = (up: boolean): void => backend.setLink(up);
      const dropped = (): number =>
        hub.stats().ports.reduce((sum, stats) => sum + total(stats.dropped), lostInAll(backend.stats()));
      return {
        backend,
        peer: {
          send: (frame: Uint8Array) => peer.send(frame),
          receive: () => peer.receive(),
          pause: () => peer.pause(),
          resume: () => peer.resume(),
          setLink,
        },
        dropped,
      };
    },
  });
}

// The faults of the far end are the near end's as well, the other way round.
testBackend({
  name: "delays and limits at the far end too",
  keeps: 200,
  setup: () => {
    const hub = new Hub();
    const far = remember(faultBackend(hub.port(), SLOW));
    const backend = remember(faultBackend(hub.port(), SLOW));
    return { backend, peer: new PeerCard(far) };
  },
});

// One in another: each knows the other as a backend, and as a card.
testBackend({
  name: "faults over faults",
  topology: "echo",
  keeps: 256,
  setup: () => ({ backend: remember(faultBackend(remember(faultBackend(loopbackBackend(), SLOW)))) }),
});
