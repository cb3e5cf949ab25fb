import { TxResult } from "@vmmkit/ethif";
import { openFile } from "@vmmkit/posix";
import { describe, expect, it, onTestFinished } from "vitest";
import { inNetwork } from "../src/interface-control.ts";
import { eventually, inOwnNetwork, removeLater, someFrame, someTurns, testCard, testPeer } from "./support/backends.ts";
import { ip } from "./support/namespace.ts";
import type { PacketPeer } from "./support/packet-peer.ts";

inOwnNetwork();

type Made = ReturnType<typeof testCard>;

/** A frame each way. */
async function expectTraffic({ card }: Made, peer: PacketPeer): Promise<void> {
  const out = someFrame();
  expect(card.transmit(out)).toBe(TxResult.Complete);
  expect(await peer.receive()).toEqual(out);
  card.received.length = 0;
  const back = someFrame();
  peer.send(back);
  await eventually(() => card.received.length > 0, "a frame from the host");
  expect(card.received).toEqual([back]);
}

describe("the interface goes down (EIO)", () => {
  it("the link follows, frames are counted and given back, and all is well when it is up again", async () => {
    const made = testCard({ name: "updown0" });
    const { backend, card } = made;
    const peer = testPeer("updown0");
    await expectTraffic(made, peer);
    ip("link set updown0 down");
    // Before anybody could hear of it: the kernel itself refuses.
    expect(card.transmit(someFrame())).toBe(TxResult.Failed);
    await eventually(() => card.linkChanges.at(-1) === false, "the link down");
    expect(card.transmit(someFrame())).toBe(TxResult.Failed);
    expect(backend.stats().dropped.down).toBe(2);
    ip("link set updown0 up");
    await eventually(() => card.linkChanges.at(-1) === true, "the link up");
    await expectTraffic(made, peer);
    expect([card.linkChanges, backend.stats().lost]).toEqual([[false, true], 0]);
    card.verify();
  });

  it("each change is told, many of them in a row too", async () => {
    const { card } = testCard({ name: "flap0" });
    for (let i = 0; i < 10; i++) {
      ip(`link set flap0 ${i % 2 === 0 ? "down" : "up"}`);
      await eventually(() => card.linkChanges.length === i + 1, `change ${i}`);
    }
    expect(card.linkChanges).toEqual(Array.from({ length: 10 }, (_, i) => i % 2 === 1));
  });

  it("another MTU changes how long frames may be", async () => {
    const made = testCard({ name: "mtu0" });
    const peer = testPeer("mtu0");
    ip("link set mtu0 mtu 9000");
    await someTurns();
    const { card } = made;
    // Buffers of 1600 bytes are too short; those of 10,000 behind them are not.
    card.post(8, [10_000]);
    await expectTraffic(made, peer);
    const long = someFrame(9014);
    expect(card.transmit(long)).toBe(TxResult.Complete);
    expect(await peer.receive()).toEqual(long);
  });
});

describe("the interface is deleted under us", () => {
  it("counted, the link is down, nothing is fatal; another of its name is taken, and made like the first", async () => {
    const made = testCard({ name: "lost0", mtu: 1300 });
    const { backend, card } = made;
    ip("link delete lost0");
    expect(card.transmit(someFrame())).toBe(TxResult.Failed);
    await eventually(() => card.linkChanges.at(-1) === false, "the link down");
    expect(card.transmit(someFrame())).toBe(TxResult.Failed);
    expect(backend.stats()).toMatchObject({ lost: 1, recovered: 0, dropped: { gone: 2 } });
    expect(backend.printState(card.driver)).toContain("gone");

    removeLater("lost0");
    ip("tuntap add dev lost0 mode tap");
    await eventually(() => card.linkChanges.at(-1) === true, "the link up");
    expect(backend.stats()).toMatchObject({ lost: 1, recovered: 1 });
    expect(ip("link show lost0")).toContain("mtu 1300");
    await expectTraffic(made, testPeer("lost0"));
    card.verify();
  });

  it("again and again, with all of its queues and its header", async () => {
    const made = testCard({ name: "again0", queues: 3, vnetHeader: true });
    const { backend, card } = made;
    backend.setQueuePairs(card.driver, 2);
    removeLater("again0");
    for (let i = 1; i <= 3; i++) {
      ip("link delete again0");
      await eventually(() => backend.stats().lost === i, `loss ${i}`);
      ip("tuntap add dev again0 mode tap multi_queue vnet_hdr");
      await eventually(() => backend.stats().recovered === i && card.linkChanges.at(-1) === true, `return ${i}`);
      expect(/numqueues (\d+)/.exec(ip("-d link show again0"))?.[1]).toBe("2");
      await expectTraffic(made, testPeer("again0"));
    }
  });

  it("what another holds is not taken from him, and is taken when he lets go", async () => {
    const made = testCard({ name: "held0" });
    const { backend } = made;
    ip("link delete held0");
    await eventually(() => backend.stats().lost === 1, "the loss");
    const other = testCard({ name: "held0", persistent: true });
    removeLater("held0");
    await someTurns();
    expect(backend.stats().recovered).toBe(0);
    await other.backend.close();
    await eventually(() => backend.stats().recovered === 1, "the return");
  });
});

describe("the interface is moved to another network namespace", () => {
  /** Another network namespace, as a descriptor of it. It goes with the test. */
  function otherNetwork(): { move: (name: string) => void; run: <T>(action: () => T) => T } {
    const name = `vmmkit-test-${process.pid}`;
    ip(`netns add ${name}`);
    onTestFinished(() => void ip(`netns delete ${name}`));
    return {
      move: (device) => void ip(`link set ${device} netns ${name}`),
      run: (action) => inNetwork(openFile(`/run/netns/${name}`), action),
    };
  }

  it("the backend follows: the link goes with the interface's state there, and frames flow", async () => {
    const made = testCard({ name: "moved0" });
    const { backend, card } = made;
    const other = otherNetwork();
    other.move("moved0");
    // An interface that moves goes down.
    await eventually(() => card.linkChanges.at(-1) === false, "the link down");
    other.run(() => ip("link set moved0 up"));
    await eventually(() => card.linkChanges.at(-1) === true, "the link up");
    const peer = other.run(() => testPeer("moved0"));
    await expectTraffic(made, peer);
    expect(backend.stats().lost).toBe(0);
    other.run(() => ip("link set moved0 down"));
    await eventually(() => card.linkChanges.at(-1) === false, "the link down there");
    card.verify();
  });

  it("an interface of its name here is another one", async () => {
    const { backend, card } = testCard({ name: "twin0" });
    const other = otherNetwork();
    other.move("twin0");
    await eventually(() => card.linkChanges.at(-1) === false, "the link down");
    removeLater("twin0");
    ip("tuntap add dev twin0 mode tap");
    ip("link set twin0 up");
    await someTurns();
    expect(card.linkChanges).toEqual([false]);
    expect(backend.stats()).toMatchObject({ lost: 0, recovered: 0 });
  });
});
