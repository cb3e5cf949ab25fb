import { nextTurn, TestCard, testFrame, until } from "@vmmkit/ethif-compliance";
import { beforeEach, onTestFinished } from "vitest";
import { type TapBackend, type TapOptions, tapBackend } from "../../src/index.ts";
import { ip, ownNetwork } from "./namespace.ts";
import { PacketPeer } from "./packet-peer.ts";

const TIMEOUT_MS = 20_000;
const HOST = Uint8Array.of(2, 0, 0, 0, 0, 0xfe);

/** Skips the tests of a file where there can be no network namespace, and puts them into one of their own. */
export function inOwnNetwork(): void {
  const impossible = ownNetwork();
  beforeEach((context) => {
    if (impossible !== null) context.skip(impossible);
  });
}

/**
 * A backend that is closed with the test. Each frame has a system call of its own unless the options say otherwise, so
 * that `rawTx` answers what came of it.
 */
export function testTap(options: TapOptions = {}): TapBackend {
  const backend = tapBackend({ batchedCalls: false, ...options });
  onTestFinished(() => backend.close());
  return backend;
}

/** A backend with a card on it. Buffers for 64 frames are posted. */
export function testCard(options: TapOptions = {}): { backend: TapBackend; card: TestCard } {
  const backend = testTap(options);
  const card = new TestCard(backend, { noise: true });
  card.init();
  card.post(64, [1600]);
  return { backend, card };
}

/** The host's end of an interface, closed with the test. */
export function testPeer(name: string, vnetHeader = false): PacketPeer {
  const peer = new PacketPeer(name, vnetHeader);
  onTestFinished(() => peer.close());
  return peer;
}

/** Removes an interface with the test, whoever made it. */
export function removeLater(name: string): void {
  onTestFinished(() => {
    try {
      ip(`link delete ${name}`);
    } catch {
      // It is gone already.
    }
  });
}

let number = 0;

/** A frame to the host, or to anybody. */
export function someFrame(size = 60): Uint8Array {
  return testFrame({ to: HOST, from: Uint8Array.of(2, 0, 0, 0, 0, 1), size, number: number++ });
}

/** Waits for a condition. */
export function eventually(condition: () => boolean, what: string): Promise<void> {
  return until(condition, TIMEOUT_MS, () => what);
}

/** Some turns of the event loop, in which anything that is to come would have come. */
export async function someTurns(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn();
}
