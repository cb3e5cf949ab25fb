/* A whole card that goes on in another process: PCI function, registers, queues. */
import { GuestMachine, ModernTransport } from "@vmmkit/guest-driver";
import * as pci from "@vmmkit/pci";
import * as virtio from "@vmmkit/virtio";
import { makeVirtioNetFunction, type VirtioNetFunction } from "@vmmkit/virtio-net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MovableRig, makeMovableRig, moveGuest, travel } from "./support/moved-rig.ts";
import { expectFrames, type RigOptions, testFrame } from "./support/rig.ts";
import { type Mutation, mutations, StateWorld } from "./support/state-world.ts";
import { TestBackend } from "./support/test-backend.ts";

function expectTraffic({ driver, backend, machine }: MovableRig, seed: number): void {
  backend.sent.length = 0;
  const frames = Array.from({ length: 40 }, (_, i) => testFrame(60 + i, seed + i));
  for (const frame of frames) {
    expect(driver.send(frame)).toBe(true);
    expect(backend.deliver(frame)).toBe(true);
  }
  machine.settle();
  expectFrames(backend.sent, frames);
  expectFrames(driver.receiveAll(), frames);
  driver.verifyGuards();
}

const MODES: readonly (readonly [string, RigOptions])[] = [
  ["legacy registers", {}],
  ["modern registers, split virtqueues, the pin", { transport: "modern" }],
  ["modern registers, packed virtqueues, the pin", { transport: "modern", guest: { ring: "packed" } }],
  ["MSI-X, split virtqueues", { transport: "msix" }],
  ["MSI-X, packed virtqueues in order", { transport: "msix", guest: { ring: "packed", inOrder: true } }],
  ["a modern card alone", { transport: "msix", card: { transport: "modern" } }],
];

describe("a guest goes on in another machine", () => {
  it.each(MODES)("%s: with its BARs where they were, its interrupts and its traffic", (_mode, options) => {
    let rig = makeMovableRig(options);
    for (let round = 0; round < 3; round++) {
      expectTraffic(rig, round);
      const bars = rig.machine.pci.findDevice(rig.card.pciAddress);
      const before = travel(rig.card.save()) as Record<string, unknown>;
      rig = moveGuest(rig);
      expect(bars).not.toBeNull();
      const after = rig.card.save();
      expect({ ...after, device: null, intx: null }).toEqual({ ...before, device: null, intx: null });
    }
    expectTraffic(rig, 9);
    rig.driver.start();
    expectTraffic(rig, 10);
  });

  it("an interrupt that it has not seen yet waits for it there: at the pin, and as a pending bit", () => {
    const pin = makeMovableRig();
    pin.backend.deliver(testFrame(60, 1));
    const there = moveGuest(pin);
    there.machine.settle();
    expectFrames(there.driver.receiveAll(), [testFrame(60, 1)]);

    const rig = makeMovableRig({ transport: "msix" });
    const { transport } = rig.driver;
    if (!(transport instanceof ModernTransport)) throw new Error("no modern driver");
    const msix = transport.msix();
    msix.setMaskAll(true);
    rig.backend.deliver(testFrame(60, 2));
    const moved = moveGuest(rig);
    moved.machine.settle();
    expect(moved.driver.receive()).toBeNull();
    msix.setMaskAll(false);
    moved.machine.settle();
    expectFrames(moved.driver.receiveAll(), [testFrame(60, 2)]);
  });

  it("in the midst of its driver's set-up: features half chosen, queues described and not started", () => {
    const rig = makeMovableRig({ transport: "modern", start: false });
    const { driver } = rig;
    driver.reset();
    driver.negotiate();
    const { transport } = driver;
    if (!(transport instanceof ModernTransport)) throw new Error("no modern driver");
    transport.writeCommon(virtio.VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
    transport.writeCommon(virtio.VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
    transport.writeCommon(virtio.VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
    transport.writeCommon(virtio.VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x1_2340);
    transport.writeCommon(virtio.VIRTIO_PCI_COMMON_Q_USEDLO + 4, 4, 5);
    const moved = moveGuest(rig);
    expect(transport.readCommon(virtio.VIRTIO_PCI_COMMON_DFSELECT, 4)).toBe(1);
    expect(transport.readCommon(virtio.VIRTIO_PCI_COMMON_Q_SELECT, 2)).toBe(1);
    expect(transport.readCommon(virtio.VIRTIO_PCI_COMMON_Q_SIZE, 2)).toBe(64);
    expect(transport.readCommon(virtio.VIRTIO_PCI_COMMON_Q_DESCLO, 4)).toBe(0x1_2340);
    expect(transport.readCommon(virtio.VIRTIO_PCI_COMMON_Q_USEDLO + 4, 4)).toBe(5);
    driver.setUpQueues();
    driver.goLive();
    expectTraffic(moved, 1);
  });

  it("between the two halves of an access to configuration space", () => {
    const rig = makeMovableRig();
    rig.bus.out(pci.PCI_CONFIG_ADDRESS_PORT, 4, 0x8000_0000 + rig.card.pciAddress.dev * 0x800);
    moveGuest(rig);
    expect(rig.bus.in(pci.PCI_CONFIG_DATA_PORT, 4)).toBe(0x1000_1af4);
  });

  it("with a queue that it broke: it stays broken, in its place, until a reset", () => {
    const rig = makeMovableRig();
    const { driver } = rig;
    driver.txRing.raw.writeAvailIdx(5000);
    driver.transport.notify(1);
    const page = rig.card.emul.virtq[1]?.ready;
    const moved = moveGuest(rig);
    expect([page, moved.card.emul.virtq[1]?.ready]).toEqual([true, true]);
    expect(driver.transport.readStatus() & virtio.VIRTIO_CONFIG_S_NEEDS_RESET).not.toBe(0);
    driver.start();
    expectTraffic(moved, 1);
  });

  it("offloads that it turned off stay off", () => {
    const features = [virtio.VIRTIO_NET_F_GUEST_CSUM, virtio.VIRTIO_NET_F_CTRL_VQ];
    const options: RigOptions = {
      link: { rxOffloads: 1 },
      guest: { features: [...features, virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS] },
    };
    const rig = makeMovableRig(options);
    expect(rig.driver.control.setGuestOffloads(0)).toBe(true);
    const moved = moveGuest(rig);
    expect(moved.card.save().device).toMatchObject({ guestOffloads: 0 });
  });
});

describe("a state that does not fit is refused, and nothing has changed", () => {
  it.each<[string, RigOptions, RigOptions]>([
    ["of a legacy card, for a transitional one", {}, { transport: "modern" }],
    ["of a transitional card, for a modern one", { transport: "modern" }, { card: { transport: "modern" } }],
    ["of a card with MSI-X, for one without", { transport: "msix" }, { transport: "modern", card: { msix: false } }],
    ["of a card without MSI-X, for one with it", { transport: "modern", card: { msix: false } }, { transport: "msix" }],
    ["of longer queues", { card: { rxQueueSize: 512 } }, {}],
    ["of another MTU", { link: { mtu: 9000 } }, {}],
    ["of features that are not on offer", {}, { card: { without: ["MTU"] } }],
  ])("%s", (_what, from, to) => {
    const state = travel(makeMovableRig(from).card.save());
    const { transport, ...rest } = to;
    const target = makeMovableRig({ transport: transport ?? (to.card?.transport ? "modern" : "legacy"), ...rest });
    const before = target.card.save();
    expect(() => target.card.restore(state)).toThrow(RangeError);
    expect(target.card.save()).toEqual(before);
    expectTraffic(target, 1);
  });

  it("of a space with other functions: none of them is touched, however sound the others' states are", () => {
    const one = makeMovableRig();
    const two = makeMovableRig();
    const state = travel(one.machine.pci.save()) as pci.PciSpaceState;
    const before = two.machine.pci.save();
    const [card] = state.functions;
    const bad = [
      { ...state, version: 2 },
      { ...state, configAddress: -1 },
      { ...state, functions: [] },
      { ...state, functions: [card, card] },
      { ...state, functions: [{ ...card, dev: 9 }] },
      { ...state, functions: [{ ...card, state: { ...card?.state, version: 0 } }] },
    ];
    for (const each of bad) expect(() => two.machine.pci.restore(each)).toThrow(RangeError);
    expect(two.machine.pci.save()).toEqual(before);
  });
});

/** Accesses of a guest to a function's configuration space and to what is behind its BARs. */
const ACCESS = fc.record({
  where: fc.constantFrom("config", "bar0", "bar1", "bar4", "bar4"),
  offset: fc.oneof(fc.nat(0x60), fc.nat(0x3fff)),
  size: fc.constantFrom(1, 2, 4),
  value: fc.oneof(fc.nat(0x10), fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0x1000, 0x2000, 0xffff_ffff)),
});

function makeFunction(): VirtioNetFunction {
  const { vm } = new GuestMachine({ memoryBytes: 1 << 16 });
  return makeVirtioNetFunction(vm, new TestBackend().funcs, { transport: "transitional", queuePairs: 2 });
}

describe("whatever a guest does to its card", () => {
  it("can be saved, restored, and is the same there", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(ACCESS, { maxLength: 40 }), (accesses) => {
        const from = makeFunction().function;
        for (const { where, offset, size, value } of accesses) {
          if (where === "config") from.ioWrite(offset & 0xff & -size, size, value);
          else from.regions[Number(where.slice(3))]?.write(offset & -size, size, value);
        }
        const state = travel(from.save());
        const to = makeFunction().function;
        const restoration = to.prepare(state);
        restoration.apply();
        expect(to.save()).toEqual(state);
        restoration.resume();
      }),
      { numRuns: 300 },
    );
  });
});

describe.each([
  ["split", false],
  ["split", true],
  ["packed", false],
  ["packed", true],
] as const)("a crafted state, %s virtqueues, in order: %s", (ring, inOrder) => {
  it("is refused, and nothing has changed, or works, and touches only memory", { timeout: 120_000 }, () => {
    const world = new StateWorld(ring, inOrder);
    const refused = new Map<boolean, number>();
    fc.assert(
      fc.property(mutations, (all: readonly Mutation[]) => {
        const done = world.restoreMutated(all);
        refused.set(done, 1 + (refused.get(done) ?? 0));
      }),
      { numRuns: 500 },
    );
    // Both happen, or the test would say nothing.
    expect([...refused.keys()].sort()).toEqual([false, true]);
  });
});
