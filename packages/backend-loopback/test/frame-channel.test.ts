import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { EndState } from "../src/frame-channel.ts";
import { channelBackend, type Doorbell, FrameChannel, frameChannelMemory } from "../src/index.ts";
import { FakeDoorbell } from "./support/fake-doorbells.ts";

function ends(): { near: FrameChannel; far: FrameChannel; nearBell: FakeDoorbell; farBell: FakeDoorbell } {
  const memory = frameChannelMemory();
  const [nearBell, farBell] = FakeDoorbell.pair();
  const near = new FrameChannel({ memory, side: 0, doorbell: nearBell });
  const far = new FrameChannel({ memory, side: 1, doorbell: farBell });
  return { near, far, nearBell, farBell };
}

describe("an end", () => {
  test("tells the other side of its link, and that it is gone", () => {
    const { near, far, farBell } = ends();
    let looks = 0;
    far.listen(() => looks++);
    expect(far.peer).toBe(EndState.Up);
    near.setLink(false);
    expect(far.peer).toBe(EndState.Down);
    near.setLink(true);
    expect(far.peer).toBe(EndState.Up);
    near.close();
    expect(far.peer).toBe(EndState.Closed);
    farBell.deliver();
    expect(looks).toBe(3);
  });

  test("closes its doorbell, once, and rings no more", () => {
    const { near, nearBell } = ends();
    near.close();
    expect(nearBell.closed).toBe(true);
    expect(nearBell.rung).toBe(1);
    near.close();
    near.setLink(false);
    near.flush();
    near.release();
    expect(nearBell.rung).toBe(1);
  });

  test("sees that the other thread has ended without a word", () => {
    const { near, nearBell } = ends();
    let looks = 0;
    near.listen(() => looks++);
    nearBell.lose();
    expect(looks).toBe(1);
    expect(near.peer).toBe(EndState.Closed);
  });

  test("is used by one only", () => {
    const { near, far } = ends();
    channelBackend(near);
    expect(() => channelBackend(near)).toThrow('"end" expected an end that nobody uses or has closed');
    far.close();
    expect(() => channelBackend(far)).toThrow('"end" expected');
  });

  test("takes a state that nobody can have for closed", () => {
    const memory = frameChannelMemory();
    const [doorbell] = FakeDoorbell.pair();
    const near = new FrameChannel({ memory, side: 0, doorbell });
    new Int32Array(memory)[3] = 77;
    expect(near.peer).toBe(EndState.Closed);
  });
});

test("half of Node's message channel is a doorbell", () => {
  const { port1, port2 } = new MessageChannel();
  const doorbell: Doorbell = port1;
  doorbell.close?.();
  port2.close();
});

describe("what cannot be a channel is refused", () => {
  const [doorbell] = FakeDoorbell.pair();

  test.each([0, 1, 0x2_0000, 0x4_0004, 0x8000_0000, 1.5])("a capacity of %d bytes", (capacity) => {
    expect(() => frameChannelMemory(capacity)).toThrow('"capacityBytes" expected');
  });

  test.each([
    ["other memory", new SharedArrayBuffer(1 << 20)],
    ["too little", new SharedArrayBuffer(16)],
    ["none at all", null],
    ["memory that is not shared", new ArrayBuffer(1 << 20)],
  ])("memory: %s", (_name, memory) => {
    const init = { memory: memory as SharedArrayBuffer, side: 0, doorbell } as const;
    expect(() => new FrameChannel(init)).toThrow('"memory" expected a SharedArrayBuffer from frameChannelMemory');
  });

  test("a third side", () => {
    const side = 2 as 0 | 1;
    expect(() => new FrameChannel({ memory: frameChannelMemory(), side, doorbell })).toThrow('"side" expected');
  });
});
