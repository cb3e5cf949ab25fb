/* The same card through each of its interfaces (VIRTIO 1.2, 4.1). */
import { ModernTransport } from "@vmmkit/guest-driver";
import {
  VIRTIO_F_IN_ORDER,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_HDR_BYTES,
  VIRTIO_NET_HDR_MRG_BYTES,
} from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { FIRST_MESSAGE, LINE, makeRig, type Rig, type RigTransport, testFrame } from "./support/rig.ts";

const TRANSPORTS: readonly RigTransport[] = ["legacy", "modern", "msix"];

function modern({ driver }: Rig): ModernTransport {
  if (!(driver.transport instanceof ModernTransport)) throw new Error("not the modern interface");
  return driver.transport;
}

function expectTraffic({ machine, backend, driver }: Rig, frames = 300): void {
  for (let i = 0; i < frames; i++) {
    expect(driver.send(testFrame(61, i))).toBe(true);
    expect(backend.deliver(testFrame(62, i))).toBe(true);
    machine.settle();
    expect(driver.receive()).toEqual(testFrame(62, i));
  }
  expect(backend.sent.slice(-frames)).toEqual(Array.from({ length: frames }, (_, i) => testFrame(61, i)));
}

describe.each(TRANSPORTS)("%s", (transport) => {
  it("carries frames both ways", () => {
    const rig = makeRig({ transport });
    expectTraffic(rig);
    expect(rig.driver.has(VIRTIO_F_VERSION_1)).toBe(transport !== "legacy");
  });

  it("carries frames without any optional feature", () => {
    expectTraffic(makeRig({ transport, guest: { features: [] } }));
  });

  it.skipIf(transport === "legacy").each([
    ["packed", "packed", false],
    ["split, in order", "split", true],
    ["packed, in order", "packed", true],
  ] as const)("carries frames through %s virtqueues", (_what, ring, inOrder) => {
    const rig = makeRig({ transport, guest: { ring, inOrder } });
    expectTraffic(rig);
    expect(rig.driver.has(VIRTIO_F_RING_PACKED)).toBe(ring === "packed");
    expect(rig.driver.has(VIRTIO_F_IN_ORDER)).toBe(inOrder);
  });

  it("tells of a link that goes and comes back", () => {
    const rig = makeRig({ transport });
    rig.card.setLink(false);
    rig.machine.settle();
    expect(rig.driver.counters.configInterrupts).toBe(1);
    expect(rig.driver.linkUp).toBe(false);
    rig.card.setLink(true);
    rig.machine.settle();
    expect(rig.driver.linkUp).toBe(true);
    expectTraffic(rig, 3);
  });

  it("starts again after a reset by the driver, and after one of the bus", () => {
    const rig = makeRig({ transport });
    rig.driver.start();
    expectTraffic(rig, 3);
    rig.machine.pci.reset();
    expect(rig.card.running).toBe(false);
    expect(rig.machine.mmio.entries().some(({ mapped }) => mapped)).toBe(false);
  });
});

describe("a transitional card", () => {
  it("2.2.3, 5.1.6.1 has the short header with a legacy driver and the long one with a modern driver", () => {
    for (const [transport, bytes] of [
      ["legacy", VIRTIO_NET_HDR_BYTES],
      ["modern", VIRTIO_NET_HDR_MRG_BYTES],
    ] as const) {
      const { backend, driver, machine } = makeRig({ transport, guest: { features: [] } });
      const before = driver.rxRing.layout.usedRing;
      backend.deliver(testFrame(60));
      expect(machine.ram.readUint(before + 8, 4)).toBe(60 + bytes);
    }
  });
});

describe("MSI-X", () => {
  it("4.1.5.1.2 has a vector for each queue and one for changes of configuration, and the pin is silent", () => {
    const { machine, backend, card } = makeRig({ transport: "msix", guest: { txInterrupts: true } });
    backend.deliver(testFrame(60));
    card.setLink(false);
    expect(machine.interrupts.messages.map(({ data }) => data)).toEqual([FIRST_MESSAGE + 1, FIRST_MESSAGE]);
    expect(machine.interrupts.calls(LINE)).toBe(0);
  });

  it("4.1.5.1.2.1 reads back NO_VECTOR for a vector that there is not, and sends nothing then", () => {
    const rig = makeRig({ transport: "msix", guest: { features: [VIRTIO_NET_F_STATUS] } });
    const transport = modern(rig);
    expect(transport.setVector(0, 3)).toBe(0xffff);
    expect(transport.setVector(-1, 0x7ff)).toBe(0xffff);
    rig.backend.deliver(testFrame(60));
    rig.card.setLink(false);
    expect(rig.machine.interrupts.messages).toEqual([]);
    expect(transport.setVector(0, 2)).toBe(2);
    rig.card.setLink(true);
    rig.backend.deliver(testFrame(60));
    expect(rig.machine.interrupts.messages.map(({ data }) => data)).toEqual([FIRST_MESSAGE + 2]);
  });

  it("is off when the guest turns it off, and the pin works again", () => {
    const rig = makeRig({ transport: "msix" });
    modern(rig).msix().setEnabled(false);
    expectTraffic(rig, 3);
    expect(rig.machine.interrupts.messages).toEqual([]);
    expect(rig.machine.interrupts.edges(LINE)).toBe(3);
  });

  it("keeps a message back while its vector, or the function, is masked", () => {
    const rig = makeRig({ transport: "msix" });
    const msix = modern(rig).msix();
    msix.setMasked(1, true);
    rig.backend.deliver(testFrame(60));
    expect(msix.isPending(1)).toBe(true);
    msix.setMaskAll(true);
    msix.setMasked(1, false);
    expect(rig.machine.interrupts.messages).toEqual([]);
    msix.setMaskAll(false);
    expect(rig.machine.interrupts.messages.map(({ data }) => data)).toEqual([FIRST_MESSAGE + 1]);
    expect(msix.isPending(1)).toBe(false);
  });
});
