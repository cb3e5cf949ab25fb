/* Any sequence of driver actions against a model of the status machine (VIRTIO 1.2, 2.1, 2.2, 2.6, 3.1), split and packed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as spec from "../src/index.ts";
import { ISR, ModernMachine, NOTIFY } from "./support/modern-machine.ts";
import { PLACES, ReferenceStatus, type StatusAction } from "./support/reference-status.ts";

const SIZES = [8, 16];
const OFFERED = [0xb000_0021, 0x1c5];
const MEMORY_BYTES = 0x10_0000;
const BY = fc.constantFrom("modern" as const, "legacy" as const);
const QUEUE = fc.constantFrom(0, 1, 1, 0, 2);
const ONE = fc.constantFrom(1, 1, 1, 0, 2);
/** Steps of a driver that knows what it does, and others. */
const STATUS = fc.oneof(fc.constantFrom(0, 1, 3, 11, 15, 4, 7, 0x40, 0x80, 0x8f, 0x4f), fc.nat(255));
const WORDS = fc.constantFrom(
  { word: 1, bits: 1 },
  { word: 1, bits: 0x101 },
  { word: 1, bits: 0x105 },
  { word: 1, bits: 5 },
  { word: 1, bits: 0 },
  { word: 0, bits: 0x2000_0001 },
  { word: 0, bits: 2 },
  { word: 2, bits: 1 },
  { word: 3, bits: 0 },
);

const ACTIONS: fc.Arbitrary<StatusAction> = fc.oneof(
  fc.record({ kind: fc.constant("status" as const), by: BY, value: STATUS }),
  WORDS.map((word) => ({ kind: "features" as const, by: "modern" as const, ...word })),
  fc.constantFrom(0, 1, 0x2000_0021, 0xffff_ffff).map((bits) => ({ kind: "features", by: "legacy", bits }) as const),
  fc.record({ kind: fc.constant("size" as const), queue: QUEUE, size: fc.constantFrom(1, 2, 3, 7, 8, 16, 17, 0) }),
  fc.record({
    kind: fc.constant("place" as const),
    queue: QUEUE,
    place: fc.constantFrom("good" as const, "good" as const, "misaligned" as const, "outside" as const),
  }),
  fc.record({ kind: fc.constant("page" as const), queue: QUEUE, page: fc.constantFrom(0, 0x20, 0x30, 0xffff_ffff) }),
  fc.record({ kind: fc.constantFrom("enable" as const, "queueReset" as const), queue: QUEUE, value: ONE }),
  fc.record({ kind: fc.constant("notify" as const), by: BY, queue: QUEUE }),
  fc.record({ kind: fc.constant("isr" as const), by: BY }),
  fc.record({ kind: fc.constant("used" as const), queue: fc.nat(1) }),
  fc.constant({ kind: "changed" as const }),
  fc.record({ kind: fc.constant("accepts" as const), accepts: fc.boolean() }),
);

/** A driver that brings a device up, by modern registers: what most random sequences would never come to. */
function bringUp(high: number): StatusAction[] {
  const modern = { by: "modern" } as const;
  return [
    { kind: "status", ...modern, value: 1 },
    { kind: "status", ...modern, value: 3 },
    { kind: "features", ...modern, word: 1, bits: high },
    { kind: "status", ...modern, value: 11 },
    { kind: "place", queue: 0, place: "good" },
    { kind: "enable", queue: 0, value: 1 },
    { kind: "status", ...modern, value: 15 },
  ];
}

/** Does the same through the registers. @returns what was read */
function act(machine: ModernMachine, action: StatusAction): number | undefined {
  const legacy = machine.fn.regions[0];
  if (legacy === undefined || legacy === null) throw new Error("no legacy registers");
  const select = (queue: number) => machine.write(spec.VIRTIO_PCI_COMMON_Q_SELECT, queue);
  switch (action.kind) {
    case "status":
      if (action.by === "modern") machine.status = action.value;
      else legacy.write(spec.VIRTIO_PCI_STATUS, 1, action.value);
      return;
    case "features":
      if (action.by === "modern") machine.acceptFeatures(action.word, action.bits);
      else legacy.write(spec.VIRTIO_PCI_GUEST_FEATURES, 4, action.bits);
      return;
    case "size":
      select(action.queue);
      machine.write(spec.VIRTIO_PCI_COMMON_Q_SIZE, action.size);
      return;
    case "place":
      select(action.queue);
      for (const [i, register] of [
        spec.VIRTIO_PCI_COMMON_Q_DESCLO,
        spec.VIRTIO_PCI_COMMON_Q_AVAILLO,
        spec.VIRTIO_PCI_COMMON_Q_USEDLO,
      ].entries()) {
        machine.write(register, PLACES[action.place] + 0x2_0000 * action.queue + 0x1000 * i, 4);
      }
      return;
    case "page":
      legacy.write(spec.VIRTIO_PCI_QUEUE_SEL, 2, action.queue);
      legacy.write(spec.VIRTIO_PCI_QUEUE_PFN, 4, action.page);
      return;
    case "enable":
      select(action.queue);
      machine.write(spec.VIRTIO_PCI_COMMON_Q_ENABLE, action.value);
      return;
    case "queueReset":
      select(action.queue);
      machine.write(spec.VIRTIO_PCI_COMMON_Q_RESET, action.value);
      return;
    case "notify":
      if (action.by === "modern") machine.write(NOTIFY + 4 * action.queue, action.queue);
      else legacy.write(spec.VIRTIO_PCI_QUEUE_NOTIFY, 2, action.queue);
      return;
    case "isr":
      return action.by === "modern" ? machine.region.read(ISR, 1) : legacy.read(spec.VIRTIO_PCI_ISR, 1);
    case "used":
      machine.state.interruptQueue(action.queue);
      return;
    case "changed":
      machine.state.interruptConfig();
      return;
    case "accepts":
      machine.device.accepts = action.accepts;
      return;
  }
}

/** All that a driver can see, but for the ISR, which reading would change. */
function seen(machine: ModernMachine) {
  const legacy = machine.fn.regions[0];
  return {
    status: [machine.status, legacy?.read(spec.VIRTIO_PCI_STATUS, 1)],
    features: [0, 1, 2].map((word) => {
      machine.write(spec.VIRTIO_PCI_COMMON_GFSELECT, word, 4);
      return machine.read(spec.VIRTIO_PCI_COMMON_GF, 4);
    }),
    queues: [0, 1, 2].map((queue) => {
      machine.write(spec.VIRTIO_PCI_COMMON_Q_SELECT, queue);
      return [
        machine.read(spec.VIRTIO_PCI_COMMON_Q_SIZE),
        machine.read(spec.VIRTIO_PCI_COMMON_Q_ENABLE),
        machine.read(spec.VIRTIO_PCI_COMMON_Q_RESET),
      ];
    }),
    isr: machine.state.isr,
    line: machine.level,
    lines: machine.lines.length,
    calls: machine.device.calls,
  };
}

function expected(model: ReferenceStatus): ReturnType<typeof seen> {
  return {
    status: [model.status, model.status],
    features: [...model.features, 0],
    queues: [...model.queues.map(({ size, ready }) => [size, ready ? 1 : 0, 0]), [0, 0, 0]],
    isr: model.isr,
    line: model.line,
    lines: model.lines,
    calls: model.calls,
  };
}

describe("whatever a driver does with the registers, the device does what 2 says and nothing else", () => {
  it.each([
    ["from power-on", []],
    ["from a driver that has chosen features", bringUp(0x101).slice(0, 3)],
    ["from a driver with split virtqueues on", bringUp(0x101)],
    ["from a driver with packed virtqueues on", bringUp(0x105)],
  ])("%s", (_from, first) => {
    let reached = 0;
    fc.assert(
      fc.property(fc.array(ACTIONS, { minLength: 1, maxLength: 30 }), (actions) => {
        const machine = new ModernMachine("transitional");
        const model = new ReferenceStatus(SIZES, OFFERED, MEMORY_BYTES);
        expect(seen(machine)).toEqual(expected(model));
        for (const action of [...first, ...actions]) {
          expect([action, act(machine, action)]).toEqual([action, model.act(action)]);
          expect(seen(machine)).toEqual(expected(model));
          if (model.running) reached++;
        }
      }),
      { numRuns: 400 },
    );
    // The sequences are worth something: devices do run in them.
    expect(reached).toBeGreaterThan(100);
  });
});
