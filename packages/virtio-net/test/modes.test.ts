/* Traffic both ways, in every mode that a driver can choose: each frame arrives, whole and in order. */
import { TxResult } from "@vmmkit/ethif";
import { type GuestNetOptions, randomBelow, seededRandom } from "@vmmkit/guest-driver";
import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { expectFrames, makeRig, type RigOptions, testFrame } from "./support/rig.ts";

/** For a busy machine: nothing here waits. */
const PATIENCE_MS = 60_000;

/**
 * `count` frames out and as many in, in rounds of up to `most`, with lengths at random: the guest's interrupts come
 * between rounds. Every third frame out goes back late and out of turn.
 */
function exchange(options: RigOptions, count: number, most: number, longest: number): void {
  const rig = makeRig(options);
  const { machine, driver, backend, card } = rig;
  const random = seededRandom(count + most);
  backend.answer = () => (backend.transmits % 3 === 0 ? TxResult.Enqueued : TxResult.Complete);
  const incoming: Uint8Array[] = [];
  const deliver = () => {
    while (incoming[0] !== undefined && backend.deliver(incoming[0])) incoming.shift();
  };
  backend.onPoll = deliver;
  let bytes = 0;
  for (let done = 0; done < count; ) {
    const round = Math.min(1 + randomBelow(random, most), count - done);
    const frames = Array.from({ length: round }, (_, i) => testFrame(14 + randomBelow(random, longest - 13), done + i));
    for (const frame of frames) {
      while (!driver.send(frame)) {
        if (backend.kept.length === 0) throw new Error("the ring is full, and nothing is kept");
        backend.finish(randomBelow(random, backend.kept.length));
      }
    }
    expectFrames(backend.sent, frames);
    backend.sent.length = 0;
    incoming.push(...frames);
    deliver();
    machine.settle();
    expectFrames(driver.receiveAll(), frames);
    bytes += frames.reduce((sum, frame) => sum + frame.length, 0);
    done += round;
  }
  while (backend.kept.length > 0) backend.finish();
  driver.reapTransmit();
  driver.verifyGuards();
  expect(driver.counters).toMatchObject({ txFrames: count, txCompleted: count, rxFrames: count, rxReturned: 0 });
  expect(card.counters.transmit).toMatchObject({ frames: count, bytes });
  expect(card.counters.receive).toMatchObject({ frames: count, bytes });
  expect(driver.rings[1].outCount).toBe(0);
}

interface Layout extends GuestNetOptions {
  /** Longest frame: many short descriptors make short work enough. */
  readonly longest: number;
}

const LAYOUTS: [string, Layout][] = [
  ["one descriptor a frame", { longest: 1518 }],
  ["the header apart", { longest: 1518, tx: { headerApart: true }, rx: { headerApart: true } }],
  ["chains of up to 17 descriptors", { longest: 1518, tx: { pieceBytes: 100 }, rx: { pieceBytes: 100 } }],
  [
    "the header apart and pieces of 7 bytes",
    { longest: 200, tx: { headerApart: true, pieceBytes: 7 }, rx: { headerApart: true, pieceBytes: 7 } },
  ],
];
const FORMATS: [string, readonly number[], "never" | "chains" | "always"][] = [
  ["direct", [], "never"],
  ["indirect chains", [VIRTIO_F_INDIRECT_DESC], "chains"],
  ["everything indirect", [VIRTIO_F_INDIRECT_DESC], "always"],
];
const EVENTS: [string, readonly number[]][] = [
  ["flags", []],
  ["EVENT_IDX", [VIRTIO_F_EVENT_IDX]],
];
const MERGING: [string, readonly number[], boolean][] = [
  ["one buffer a frame", [], false],
  ["MRG_RXBUF with small buffers", [VIRTIO_NET_F_MRG_RXBUF], true],
];

describe.each(LAYOUTS)("%s", (_layout, { longest, ...layout }) => {
  describe.each(FORMATS)("%s", (_format, format, indirect) => {
    describe.each(EVENTS)("%s", (_events, events) => {
      it.each(MERGING)("%s", (_merging, merging, small) => {
        const guest: GuestNetOptions = {
          ...layout,
          features: [VIRTIO_F_ANY_LAYOUT, ...format, ...events, ...merging],
          indirect,
          txRanges: 40,
          tx: { ...layout.tx, buffers: 64 },
          rx: { ...layout.rx, bufferBytes: small ? 100 : longest + 12, buffers: small ? 256 : 32 },
        };
        exchange({ guest, card: { rxQueueSize: 1024, txQueueSize: 512 } }, 100, 8, longest);
      });
    });
  });
});

describe("what a legacy driver without features does", () => {
  it("the header in a descriptor of its own, frames of up to 1518 bytes", () => {
    exchange({ guest: { features: [] } }, 1000, 50, 1518);
  });
});

describe.each([
  [2, 800],
  [4, 1600],
  [8, 2400],
  [16, 4800],
  [64, 4000],
  [256, 4000],
  [1024, 4000],
])("rings of %i entries", { timeout: PATIENCE_MS }, (size, frames) => {
  it(`${frames} frames each way`, () => {
    const card = { rxQueueSize: size, txQueueSize: size };
    exchange({ card }, frames, Math.min(size, 300), 200);
    exchange({ card, guest: { features: [VIRTIO_F_ANY_LAYOUT] } }, frames, Math.min(size, 300), 200);
  });
});

describe.each(["modern", "msix"] as const)("through the %s registers", { timeout: PATIENCE_MS }, (transport) => {
  it.each([
    ["split", false],
    ["split", true],
    ["packed", false],
    ["packed", true],
  ] as const)("%s virtqueues, in order: %s", (ring, inOrder) => {
    exchange({ transport, guest: { ring, inOrder } }, 1000, 50, 1518);
    exchange({ transport, guest: { ring, inOrder, features: [], tx: { headerApart: true } } }, 1000, 50, 1518);
    exchange({ transport, guest: { ring, inOrder, indirect: "always" }, card: { rxQueueSize: 16 } }, 500, 16, 400);
  });
});

describe("rings that differ, and the largest", { timeout: PATIENCE_MS }, () => {
  it("a receive ring of 4 and a transmit ring of 1024", () => {
    exchange({ card: { rxQueueSize: 4, txQueueSize: 1024 } }, 1000, 4, 300);
  });

  it("rings of 32768, and more than a lap of the 16-bit indices", () => {
    const rig = makeRig({
      card: { rxQueueSize: 32768, txQueueSize: 32768 },
      guest: { rx: { buffers: 32768, bufferBytes: 128 }, tx: { buffers: 32768, bufferBytes: 64 }, indirect: "never" },
      machine: { memoryBytes: 32 << 20 },
    });
    const { machine, driver, backend, card } = rig;
    backend.copies = false;
    const frame = testFrame(60);
    driver.fill(frame);
    for (let i = 0; i < 3; i++) {
      expect(driver.burst(32_767, 60)).toBe(32_767);
      for (let k = 0; k < 32_768; k++) if (!backend.deliver(frame)) throw new Error(`no room for frame ${k}`);
      machine.settle();
      expect(driver.receiveAll()).toHaveLength(32_768);
    }
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(3 * 32_767);
    expect(card.counters.transmit.frames).toBe(3 * 32_767);
    expect(card.counters.receive).toMatchObject({ frames: 3 * 32_768, noBuffers: 0 });
  });
});

describe("the 16-bit indices wrap", { timeout: PATIENCE_MS }, () => {
  it.each(EVENTS)("35,000 laps of a ring of 2, with %s", (_what, events) => {
    const rig = makeRig({
      card: { rxQueueSize: 2, txQueueSize: 2 },
      guest: { features: [VIRTIO_F_ANY_LAYOUT, ...events], interrupts: "acknowledge" },
    });
    const { driver, backend, card } = rig;
    backend.copies = false;
    const frame = testFrame(60);
    driver.fill(frame);
    for (let i = 0; i < 70_000; i++) {
      if (driver.burst(1, 60) !== 1) throw new Error(`no room for frame ${i}`);
      if (!backend.deliver(frame)) throw new Error(`no buffer for frame ${i}`);
      if (driver.reapReceive(2) !== 1) throw new Error(`frame ${i} did not arrive`);
    }
    expect(card.counters.transmit.frames).toBe(70_000);
    expect(card.counters.receive.frames).toBe(70_000);
    expect(card.counters.transmitQueue.stopped + card.counters.receiveQueue.stopped).toBe(0);
  });
});

describe.each([68, 576, 1280, 1500, 9000, 16_110, 65_535])("MTU %i", (mtu) => {
  it("frames of any length up to it, merged or whole", () => {
    const card = { rxQueueSize: 512, txQueueSize: 16 };
    const tx = { bufferBytes: 65_553, buffers: 8 };
    const merged: RigOptions = { link: { mtu }, card, guest: { tx } };
    const whole: RigOptions = {
      link: { mtu },
      card: { ...card, rxQueueSize: 16 },
      guest: { tx, features: [VIRTIO_NET_F_MTU, VIRTIO_F_ANY_LAYOUT] },
    };
    exchange(merged, 40, 4, mtu + 14);
    exchange(whole, 40, 4, mtu + 14);
  });
});
