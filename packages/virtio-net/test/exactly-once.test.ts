/*
 * What a saved card owes its guest, against a model: whoever carries the state to another machine at any moment, the
 * guest gets each frame once that the card took from its backend, in their order, and each of its own frames is handed to
 * a backend once and comes back once. What the old backend does later counts for nothing.
 */
import { type Frame, TxResult } from "@vmmkit/ethif";
import { type GuestNetOptions, randomBelow, seededRandom } from "@vmmkit/guest-driver";
import * as virtio from "@vmmkit/virtio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MovableRig, makeMovableRig, moveGuest, travel } from "./support/moved-rig.ts";
import { expectFrames, type RigOptions, testFrame } from "./support/rig.ts";

const RING = 16;
const STEPS = ["send", "burst", "finish", "deliver", "room", "fill", "giveBack", "settle", "look", "move"] as const;
type Step = (typeof STEPS)[number];

/** A guest, its card and its backend, and what each of them may expect of the others. */
class Model {
  rig: MovableRig;
  readonly #random: () => number;
  /** Room that the backend asked for and has not filled. */
  #rooms: Frame[] = [];
  /** Frames that the card took from a backend, and those that the guest got. */
  readonly #taken: Uint8Array[] = [];
  readonly #got: (Uint8Array | null)[] = [];
  /** Frames that the guest sent, and those that a backend was handed. */
  readonly #sent: Uint8Array[] = [];
  readonly #handed: Uint8Array[] = [];
  #next = 0;

  constructor(options: RigOptions, seed: number) {
    this.rig = makeMovableRig(options);
    this.#random = seededRandom(seed);
    this.#plug();
  }

  do(step: Step): void {
    const { driver, backend, machine, card } = this.rig;
    switch (step) {
      case "send": {
        const frame = this.#frame();
        if (driver.send(frame)) this.#sent.push(frame);
        break;
      }
      case "burst": {
        const frames = [this.#frame(), this.#frame(), this.#frame(), this.#frame()];
        this.#sent.push(...frames.slice(0, driver.sendBatch(frames)));
        break;
      }
      case "finish":
        if (backend.kept.length > 0) backend.finish(randomBelow(this.#random, backend.kept.length));
        break;
      case "deliver": {
        const frame = this.#frame();
        if (backend.deliver(frame)) this.#taken.push(frame);
        break;
      }
      case "room": {
        const room = backend.allocate(300);
        if (room !== null) this.#rooms.push(room);
        break;
      }
      case "fill": {
        const [room] = this.#rooms.splice(randomBelow(this.#random, this.#rooms.length), 1);
        const frame = this.#frame();
        if (room === undefined) break;
        backend.complete([room, frame]);
        this.#taken.push(frame);
        break;
      }
      case "giveBack": {
        const room = this.#rooms.pop();
        if (room !== undefined) backend.giveBack(room);
        break;
      }
      case "settle":
        machine.settle();
        this.#got.push(...driver.receiveAll());
        break;
      case "look": {
        const state = travel(card.save());
        expect(travel(card.save())).toEqual(state);
        break;
      }
      case "move":
        this.#move();
    }
  }

  /** Lets everything come to its end, and compares. */
  finish(): void {
    const { driver, backend } = this.rig;
    for (const room of this.#rooms.splice(0)) backend.giveBack(room);
    while (backend.kept.length > 0) backend.finish();
    // All room is there: nothing was lost on the way.
    for (let i = 0; i < 3 * RING; i++) {
      const frame = this.#frame();
      if (!backend.deliver(frame)) throw new Error(`no room for frame ${i}`);
      this.#taken.push(frame);
      this.do("settle");
    }
    driver.reapTransmit();
    // With IN_ORDER the guest gets frames in the order in which the backend was given their room.
    if (this.rig.options.guest?.inOrder === true) for (const frames of [this.#got, this.#taken]) frames.sort(byBytes);
    expectFrames(this.#got, this.#taken);
    expectFrames(this.#handed, this.#sent);
    expect(driver.counters.txCompleted).toBe(this.#sent.length);
    expect(driver.rings[1].outCount).toBe(0);
    driver.verifyGuards();
  }

  #move(): void {
    const { backend } = this.rig;
    const rooms = this.#rooms.splice(0);
    this.rig = moveGuest(this.rig);
    this.#plug();
    // The old backend is not told, and goes on with what it has.
    const spent = backend.driver.callbacks;
    for (const frame of backend.kept) spent.txComplete(frame.cookie);
    for (const room of rooms) spent.rxComplete(1, [room], [0]);
  }

  /** The backend keeps about half of the frames for a while. Somebody may look at the state in the midst of a batch. */
  #plug(): void {
    const { backend, card } = this.rig;
    backend.answer = () => {
      this.#handed.push(...backend.sent.splice(0));
      if (randomBelow(this.#random, 4) === 0) card.save();
      return randomBelow(this.#random, 2) === 0 ? TxResult.Enqueued : TxResult.Complete;
    };
  }

  #frame(): Uint8Array {
    this.#next++;
    return testFrame(60 + (this.#next % 240), this.#next);
  }
}

function byBytes(a: Uint8Array | null, b: Uint8Array | null): number {
  return Buffer.compare(a ?? new Uint8Array(0), b ?? new Uint8Array(0));
}

const GUESTS: readonly (readonly [string, GuestNetOptions])[] = [
  ["split virtqueues", {}],
  ["split virtqueues, in order", { inOrder: true }],
  ["packed virtqueues", { ring: "packed" }],
  ["packed virtqueues, in order", { ring: "packed", inOrder: true }],
  ["split virtqueues, frames in several buffers", { rx: { bufferBytes: 100 } }],
  ["packed virtqueues, frames in several buffers", { ring: "packed", rx: { bufferBytes: 100 } }],
  ["packed virtqueues, chains of several descriptors", { ring: "packed", features: [], tx: { pieceBytes: 90 } }],
];

describe.each(GUESTS)("a guest that moves while frames are on their way, with %s", (_what, guest) => {
  it("gets each frame once and sends each frame once", { timeout: 60_000 }, () => {
    const options: RigOptions = {
      transport: "modern",
      card: { rxQueueSize: RING, txQueueSize: RING, transport: "modern" },
      guest: { tx: { bufferBytes: 512 }, ...guest },
      machine: { memoryBytes: 1 << 18 },
    };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 120 }), fc.nat(), (steps, seed) => {
        const model = new Model(options, seed);
        for (const step of steps) model.do(step);
        model.finish();
      }),
      { numRuns: 60 },
    );
  });
});

describe("a guest whose two queue pairs move", () => {
  it("sends nothing twice on either", () => {
    const features = [virtio.VIRTIO_NET_F_CTRL_VQ, virtio.VIRTIO_NET_F_MQ];
    const rig = makeMovableRig({
      transport: "modern",
      card: { queuePairs: 2 },
      guest: { features, queuePairs: 2 },
    });
    rig.driver.control.setQueuePairs(2);
    rig.backend.answer = () => TxResult.Enqueued;
    for (let i = 0; i < 20; i++) rig.driver.sendOn(i % 2, testFrame(60, i));
    const moved = moveGuest(rig);
    expect(moved.backend.transmits).toBe(0);
    for (let i = 0; i < 20; i++) rig.driver.sendOn(i % 2, testFrame(60, 100 + i));
    expectFrames(
      moved.backend.sent,
      Array.from({ length: 20 }, (_, i) => testFrame(60, 100 + i)),
    );
  });
});
