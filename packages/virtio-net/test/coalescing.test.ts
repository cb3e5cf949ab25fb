/* Coalescing of interrupts (VIRTIO 1.3, 5.1.6.5.9), which the card adds to what VIRTIO 1.2 has. */
import * as virtio from "@vmmkit/virtio";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { testFrame } from "./support/rig.ts";
import { makeStateRig } from "./support/state-rig.ts";

const FEATURES = [
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_NOTF_COAL,
  virtio.VIRTIO_NET_F_VQ_NOTF_COAL,
  virtio.VIRTIO_NET_F_MQ,
];

function rig() {
  const made = makeStateRig({
    card: { queuePairs: 2 },
    features: FEATURES,
    guest: { features: [...FEATURES, 32], queuePairs: 2, txInterrupts: true, interrupts: "acknowledge" },
  });
  const { interrupts, backend, driver } = made;
  driver.control.ring.disableInterrupts();
  const receive = (count: number) => {
    for (let i = 0; i < count; i++) backend.deliver(testFrame(60));
  };
  const told = () => interrupts.splice(0);
  return { ...made, receive, told };
}

describe("interrupts", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("come at once unless the driver asks for something else, or with either parameter 0", () => {
    const { driver, receive, told } = rig();
    receive(2);
    expect(told()).toEqual([0, 0]);
    expect(driver.control.setCoalescing("rx", 5, 0)).toBe(true);
    receive(2);
    expect(driver.control.setCoalescing("rx", 0, 1000)).toBe(true);
    receive(2);
    expect(told()).toEqual([0, 0, 0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("come after max_packets frames", () => {
    const { driver, receive, told } = rig();
    driver.control.setCoalescing("rx", 4, 100_000);
    receive(3);
    expect(told()).toEqual([]);
    receive(1);
    expect(told()).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
    receive(8);
    expect(told()).toEqual([0, 0]);
  });

  it("come max_usecs after the first frame at the latest", () => {
    const { driver, receive, told } = rig();
    driver.control.setCoalescing("rx", 100, 5000);
    receive(1);
    vi.advanceTimersByTime(4);
    receive(1);
    expect(told()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(told()).toEqual([0]);
    vi.advanceTimersByTime(1000);
    expect(told()).toEqual([]);
  });

  it("below a millisecond come in a later turn", () => {
    const { driver, receive, told } = rig();
    driver.control.setCoalescing("rx", 100, 50);
    receive(3);
    expect(told()).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(told()).toEqual([0]);
  });

  it("of transmit queues are held back likewise, by parameters of their own", () => {
    const { driver, told } = rig();
    driver.control.setCoalescing("tx", 3, 9000);
    driver.send(testFrame(60));
    driver.send(testFrame(60));
    expect(told()).toEqual([]);
    driver.send(testFrame(60));
    expect(told()).toEqual([1]);
  });

  it("that wait long enough by new parameters come at once", () => {
    const { driver, receive, told } = rig();
    driver.control.setCoalescing("rx", 15, 50_000);
    receive(10);
    driver.control.setCoalescing("rx", 8, 50_000);
    expect(told()).toEqual([0]);
    receive(2);
    driver.control.setCoalescing("rx", 0, 0);
    expect(told()).toEqual([0]);
  });

  it("that wait are forgotten at a reset, and all parameters are 0 again", () => {
    const { driver, receive, told } = rig();
    driver.control.setCoalescing("rx", 15, 50_000);
    receive(10);
    driver.start();
    vi.advanceTimersByTime(1000);
    expect(told()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    expect(driver.control.queueCoalescing(0)).toEqual([0, 0]);
  });

  it("a delay beyond a second is refused", () => {
    const { driver } = rig();
    expect(driver.control.setCoalescing("rx", 10, 1_000_001)).toBe(false);
    expect(driver.control.setQueueCoalescing(0, 10, 0xffff_ffff)).toBe(false);
    expect(driver.control.setCoalescing("rx", 10, 1_000_000)).toBe(true);
  });

  it("of each queue: the last command counts, whichever it is", () => {
    const { driver } = rig();
    const { control } = driver;
    control.setQueuePairs(2);
    const all = () => [0, 1, 2, 3].map((queue) => control.queueCoalescing(queue));
    control.setCoalescing("rx", 1, 10);
    expect(control.setQueueCoalescing(0, 2, 20)).toBe(true);
    expect(all()).toEqual([
      [2, 20],
      [0, 0],
      [1, 10],
      [0, 0],
    ]);
    expect(control.setQueueCoalescing(1, 3, 30)).toBe(true);
    control.setCoalescing("tx", 4, 40);
    expect(all()).toEqual([
      [2, 20],
      [4, 40],
      [1, 10],
      [4, 40],
    ]);
  });

  it("of a queue that is not in use, or is no receive or transmit queue, are refused", () => {
    const { driver } = rig();
    for (const queue of [2, 3, 4, 5, 0xffff]) {
      expect(driver.control.setQueueCoalescing(queue, 1, 1)).toBe(false);
      expect(driver.control.queueCoalescing(queue)).toBe(null);
    }
  });
});
