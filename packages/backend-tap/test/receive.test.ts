import { describe, expect, it } from "vitest";
import { eventually, inOwnNetwork, someFrame, someTurns, testCard, testPeer } from "./support/backends.ts";

inOwnNetwork();

describe("receive", () => {
  it("frames go into the guest's buffers in their order, in pieces as they are posted", async () => {
    const { card } = testCard({ name: "in0" });
    card.post(200, [12, 100, 1500]);
    const peer = testPeer("in0");
    const frames = Array.from({ length: 200 }, (_, i) => someFrame(60 + i * 7));
    for (const frame of frames) peer.send(frame);
    await eventually(() => card.received.length === 200, "200 frames");
    expect(card.received).toEqual(frames);
    expect(card.rxBatches).toBeLessThan(200);
    card.verify();
  });

  it("a guest without room stops the reading, and no frame is lost that the kernel still has", async () => {
    const { backend, card } = testCard({ name: "in1" });
    const peer = testPeer("in1");
    const frames = Array.from({ length: 100 }, () => someFrame());
    for (const frame of frames) peer.send(frame);
    await eventually(() => card.received.length === 64, "as many as there is room for");
    await someTurns();
    expect(card.received).toHaveLength(64);
    card.post(64, [1600]);
    await eventually(() => card.received.length === 100, "the others");
    expect(card.received).toEqual(frames);
    expect(backend.stats().starved).toBeGreaterThan(0);
  });

  it("a frame that the guest's buffers never fit is given up, and holds nobody back", async () => {
    const { backend, card } = testCard({ name: "in2" });
    const peer = testPeer("in2");
    for (let i = 0; i < 64; i++) peer.send(someFrame());
    await eventually(() => card.received.length === 64, "the short ones");
    card.received.length = 0;
    // The first buffer is too short for the frame, and this card joins none.
    card.post(1, [200]);
    peer.send(someFrame(1400));
    await eventually(() => backend.stats().copiedIn === 1, "the frame read");
    expect(backend.stats().dropped.noRoom).toBe(0);
    card.post(4, [1600]);
    const next = someFrame(150);
    peer.send(next);
    await eventually(() => card.received.length > 0, "the next frame");
    expect([card.received, backend.stats().dropped.noRoom]).toEqual([[next], 1]);
    card.verify();
  });

  it("a card that is reset in the middle of its interrupt", async () => {
    const { card } = testCard({ name: "in3" });
    const peer = testPeer("in3");
    let interrupts = 0;
    card.onInterrupt = () => {
      if (interrupts++ > 0) return;
      card.reset();
      card.post(64, [1600]);
    };
    for (let i = 0; i < 100; i++) peer.send(someFrame());
    await eventually(() => interrupts > 1, "frames after the reset");
    card.verify();
  });

  it("an interrupt in which the guest asks for more, and one in which the backend is closed", async () => {
    const { backend, card } = testCard({ name: "in4" });
    const peer = testPeer("in4");
    card.onInterrupt = () => card.poll();
    for (let i = 0; i < 10; i++) peer.send(someFrame());
    await eventually(() => card.received.length === 10, "ten frames");
    card.onInterrupt = () => {
      void backend.close();
      card.closed = true;
    };
    for (let i = 0; i < 10; i++) peer.send(someFrame());
    await eventually(() => card.closed, "the last interrupt");
    await someTurns();
    card.verify();
  });
});
