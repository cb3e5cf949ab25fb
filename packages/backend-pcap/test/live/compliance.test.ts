import { type BackendUnderTest, PeerCard, testBackend } from "@vmmkit/ethif-compliance";
import { beforeEach, describe } from "vitest";
import { type LiveBackend, type LiveOptions, liveBackend } from "../../src/node/index.ts";
import { ip, ownNetwork, vethPair } from "../support/own-network.ts";

const impossible = ownNetwork();

const VARIANTS: readonly (readonly [string, number, Partial<LiveOptions>])[] = [
  ["a veth pair", 1500, {}],
  ["a veth pair with the longest frames", 65535, {}],
  ["a veth pair whose frames are gathered", 1500, { immediate: false, timeoutMs: 5 }],
  ["a veth pair with a filter, whole frames and a short queue", 9000, { filter: "greater 1", queueFrames: 1 }],
];

/** What is taken away after each test. */
const wires = new Map<BackendUnderTest, () => Promise<void>>();

/** Frames that one end knows it has lost. */
function lostBy(backend: LiveBackend): number {
  return Object.values(backend.stats().dropped).reduce((sum, count) => sum + count, 0);
}

function setup(mtu: number, options: Partial<LiveOptions>): BackendUnderTest {
  const pair = vethPair(mtu);
  const backend = liveBackend({ ...options, interface: pair.near });
  const farEnd = liveBackend({ interface: pair.far });
  const peer = Object.assign(new PeerCard(farEnd), {
    setLink: (up: boolean) => void ip(`link set ${pair.far} ${up ? "up" : "down"}`),
  });
  let kernel = 0;
  const dropped = (): number => {
    kernel = Math.max(kernel, pair.dropped);
    return kernel + lostBy(backend) + lostBy(farEnd);
  };
  const made = { backend, peer, dropped, fail: () => pair.remove() };
  wires.set(made, () => farEnd.close());
  return made;
}

beforeEach((context) => {
  if (impossible !== null) context.skip(impossible);
});

for (const [name, mtu, options] of VARIANTS) {
  describe("the contract of backends, through libpcap", () => {
    testBackend({
      name,
      // Blocks of gathered frames are fewer, and may hold one frame each.
      keeps: options.immediate === false ? 32 : 200,
      setup: () => setup(mtu, options),
      teardown: (made) => wires.get(made)?.(),
    });
  });
}
