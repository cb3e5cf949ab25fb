import { type BackendUnderTest, testBackend } from "@vmmkit/ethif-compliance";
import { beforeEach, describe } from "vitest";
import { type TapOptions, tapBackend } from "../src/index.ts";
import { ip, kernelDrops, ownNetwork } from "./support/namespace.ts";
import { PacketPeer } from "./support/packet-peer.ts";

const impossible = ownNetwork();

const VARIANTS: readonly (readonly [string, TapOptions])[] = [
  ["TAP", {}],
  ["TAP with jumbo frames", { mtu: 9000 }],
  ["TAP with a virtio-net header of 12 bytes", { vnetHeader: true }],
  ["TAP with a header of 10 bytes and the longest frames", { vnetHeader: 10, mtu: 65521 }],
  ["TAP with a system call for each frame", { batchedCalls: false }],
  ["TAP that takes little at a time", { sendBufferBytes: 4096, queueFrames: 512, batchFrames: 1 }],
];

/** The far end of each backend, until its test is over. */
const peers = new Map<BackendUnderTest, PacketPeer>();

function setup(options: TapOptions): BackendUnderTest {
  const backend = tapBackend(options);
  const name = backend.interfaceName;
  const peer = new PacketPeer(name);
  let lastDrops = 0;
  const dropped = (): number => {
    lastDrops = Math.max(lastDrops, kernelDrops(name));
    const own = Object.values(backend.stats().dropped).reduce((sum, count) => sum + count, 0);
    return own + lastDrops + peer.dropped;
  };
  const made = { backend, peer, dropped, fail: () => void ip(`link delete ${name}`) };
  peers.set(made, peer);
  return made;
}

beforeEach((context) => {
  if (impossible !== null) context.skip(impossible);
});

for (const [name, options] of VARIANTS) {
  describe("the contract of backends", () => {
    testBackend({
      name,
      // What a TAP interface queues for its reader.
      keeps: 400,
      setup: () => setup(options),
      teardown: (made) => peers.get(made)?.close(),
    });
  });
}
