import { beforeEach, describe, expect, it } from "vitest";
import { AdaptivePoll, type PolledQueue } from "../src/adaptive-poll.ts";

/** A guest that sends, and a queue that takes what it sent when notified or looked after. */
class World implements PolledQueue {
  polled = false;
  nowMs = 1000;
  frames = 0;
  /** So many times as long are the frames of a guest that does not notify. */
  longer = 1;
  bytes = 0;
  notifications = 0;
  /** Whether the guest would notify now. */
  notifying = true;
  #pending = 0;
  readonly poll: AdaptivePoll = new AdaptivePoll(
    this,
    { frames: () => this.frames, bytes: () => this.bytes },
    () => this.nowMs,
  );

  waiting(): number {
    return this.#pending;
  }

  run(): void {
    this.frames += this.#pending;
    this.bytes += this.#pending * (this.notifying ? 60 : 60 * this.longer);
    this.#pending = 0;
    this.notifying = !this.polled;
  }

  send(): void {
    this.#pending++;
    if (!this.notifying) return;
    this.notifications++;
    this.poll.notified();
    this.run();
  }

  /** A slice of a millisecond in which the guest sends some frames, more or fewer where it is polled. */
  slice(notified: number, polled: number = notified): void {
    const count = this.notifying ? notified : polled;
    for (let i = 0; i < count; i++) this.send();
    this.nowMs++;
    this.poll.afterSlice();
  }

  slices(count: number, notified: number, polled: number = notified): void {
    for (let i = 0; i < count; i++) this.slice(notified, polled);
  }

  /** Notifications in the next slices. */
  counted(slices: number, notified: number, polled: number = notified): number {
    const before = this.notifications;
    this.slices(slices, notified, polled);
    return this.notifications - before;
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("AdaptivePoll", () => {
  it("leaves a guest alone that notifies now and then", () => {
    const before = world.notifications;
    for (let i = 0; i < 250; i++) {
      world.slice(1);
      world.slice(0);
    }
    expect(world.notifications - before).toBe(250);
    expect(world.polled).toBe(false);
  });

  it("polls a guest that notifies all the time and gets more done so", () => {
    world.slices(200, 50, 100);
    expect(world.counted(500, 50, 100)).toBeLessThan(0.15 * 500 * 50);
  });

  it("polls where that does not matter much", () => {
    world.slices(200, 50, 45);
    expect(world.counted(500, 50, 45)).toBeLessThan(0.15 * 500 * 50);
  });

  it("judges by bytes, as a guest that is not disturbed sends longer frames", () => {
    world.longer = 3;
    world.slices(200, 50, 30);
    expect(world.counted(500, 50, 30)).toBeLessThan(0.15 * 500 * 50);
  });

  it("polls a busy guest from the first slice on, which is worth it where the transfer is a short one", () => {
    expect(world.counted(200, 50)).toBeLessThan(0.05 * 200 * 50);
  });

  it("compares the two ways after a quarter of a second, however it began", () => {
    world.slices(240, 50);
    // The notified way's short trial.
    expect(world.counted(60, 50)).toBeGreaterThan(15 * 50);
  });

  it("goes back to notifications where polling slows the guest down, and tries it again only rarely", () => {
    world.slices(600, 50, 20);
    const before = world.frames;
    world.slices(2000, 50, 20);
    expect(world.frames - before).toBeGreaterThan(0.95 * 2000 * 50);
  });

  it("is not talked into notifications by one bad trial of polling", () => {
    world.slices(800, 50);
    // The machine does something else for a trial.
    world.slices(40, 5);
    expect(world.counted(500, 50)).toBeLessThan(0.25 * 500 * 50);
  });

  it("follows a guest whose traffic changes", () => {
    world.slices(500, 50, 100);
    world.slices(2000, 50, 20);
    const before = world.frames;
    world.slices(1000, 50, 20);
    expect(world.frames - before).toBeGreaterThan(0.9 * 1000 * 50);
  });

  it("has every frame sent by the end of the slice it was made in, and asks for notifications before it rests", () => {
    for (let i = 0; i < 3000; i++) {
      world.slice(40 + (i % 7), 90);
      expect(world.waiting()).toBe(0);
    }
    world.slices(2, 0);
    expect(world.polled).toBe(false);
    expect(world.notifying).toBe(true);
    world.send();
    expect(world.waiting()).toBe(0);
  });

  it("forgets what it learned when the guest was idle", () => {
    world.slices(500, 50, 100);
    world.slices(500, 0);
    expect(world.counted(20, 2)).toBe(40);
  });
});
