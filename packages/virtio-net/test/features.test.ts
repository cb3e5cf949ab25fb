/* What is offered and what is agreed on (VIRTIO 1.2, 2.2, 5.1.3). */

import * as virtio from "@vmmkit/virtio";
import {
  VIRTIO_F_ANY_LAYOUT,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_INDIRECT_DESC,
  VIRTIO_NET_F_MAC,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
} from "@vmmkit/virtio";
import type { VirtioNetFeature } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";
import { expectFrames, makeRig, type Rig, testFrame } from "./support/rig.ts";

const BITS = {
  MTU: VIRTIO_NET_F_MTU,
  STATUS: VIRTIO_NET_F_STATUS,
  MRG_RXBUF: VIRTIO_NET_F_MRG_RXBUF,
  ANY_LAYOUT: VIRTIO_F_ANY_LAYOUT,
  INDIRECT_DESC: VIRTIO_F_INDIRECT_DESC,
  EVENT_IDX: VIRTIO_F_EVENT_IDX,
} as const satisfies Partial<Record<VirtioNetFeature, number>>;
/** Those of the control queue, which a legacy driver sees too. */
const CONTROL = {
  CTRL_VQ: virtio.VIRTIO_NET_F_CTRL_VQ,
  CTRL_RX: virtio.VIRTIO_NET_F_CTRL_RX,
  CTRL_RX_EXTRA: virtio.VIRTIO_NET_F_CTRL_RX_EXTRA,
  CTRL_VLAN: virtio.VIRTIO_NET_F_CTRL_VLAN,
  CTRL_MAC_ADDR: virtio.VIRTIO_NET_F_CTRL_MAC_ADDR,
  GUEST_ANNOUNCE: virtio.VIRTIO_NET_F_GUEST_ANNOUNCE,
} as const satisfies Partial<Record<VirtioNetFeature, number>>;
const CONTROL_NAMES = Object.keys(CONTROL) as (keyof typeof CONTROL)[];
const NAMES = Object.keys(BITS) as (keyof typeof BITS)[];
/** What the card offers for any backend, as it can do it by itself: see offload-features.test.ts. */
const HOST = [0, 11, 12, 13, 14];

function offered({ driver }: Rig): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => driver.offers(bit));
}

function expectTraffic({ machine, backend, driver }: Rig): void {
  for (let i = 0; i < 20; i++) {
    driver.send([testFrame(40, i), testFrame(1000, i)]);
    expect(backend.deliver(testFrame(1400, i))).toBe(true);
    machine.settle();
    expectFrames([driver.receive()], [testFrame(1400, i)]);
  }
  expect(backend.sent.map((frame) => frame.length)).toEqual(new Array(20).fill(1040));
}

describe("features", () => {
  it("on offer are these, and no other bit", () => {
    const bits = [...HOST, VIRTIO_NET_F_MAC, ...Object.values(BITS), ...Object.values(CONTROL)].sort((a, b) => a - b);
    expect(offered(makeRig())).toEqual(bits);
  });

  it.each(NAMES)("%s can be left out, and the card works without", (name) => {
    const rig = makeRig({ card: { without: [name] }, guest: { tx: { bufferBytes: 2048 } } });
    expect(rig.driver.offers(BITS[name])).toBe(false);
    expect(offered(rig)).toHaveLength(NAMES.length + HOST.length + CONTROL_NAMES.length);
    expectTraffic(rig);
  });

  it("can be left out all together", () => {
    const rig = makeRig({ card: { without: [...NAMES, ...NAMES, ...CONTROL_NAMES, "CSUM"] } });
    expect(offered(rig)).toEqual([VIRTIO_NET_F_MAC]);
    expectTraffic(rig);
  });

  it("of the control queue go with it, and one alone goes alone", () => {
    const without = (name: VirtioNetFeature) => {
      const rig = makeRig({ card: { without: [name] } });
      return CONTROL_NAMES.filter((other) => !rig.driver.offers(CONTROL[other]));
    };
    expect(without("CTRL_VQ")).toEqual(CONTROL_NAMES);
    for (const name of CONTROL_NAMES.slice(1)) expect(without(name)).toEqual([name]);
  });

  it("work in every subset that a driver may choose", { timeout: 60_000 }, () => {
    const bits = Object.values(BITS);
    for (let subset = 0; subset < 2 ** bits.length; subset++) {
      const features = bits.filter((_, i) => ((subset >> i) & 1) === 1);
      const rig = makeRig({
        guest: { features, rx: { buffers: 16 }, tx: { buffers: 16 } },
        machine: { memoryBytes: 1 << 20 },
        card: { rxQueueSize: 32, txQueueSize: 32 },
      });
      expectTraffic(rig);
      for (const bit of bits) expect(rig.card.emul.state.hasFeature(bit)).toBe(features.includes(bit));
    }
  });

  it("that were not offered are not agreed on, and none changes once the driver is ready", () => {
    const rig = makeRig({ guest: { features: [VIRTIO_F_ANY_LAYOUT] } });
    const { driver, card } = rig;
    driver.transport.writeDriverFeatures(0, 0xffff_ffff);
    expect(card.emul.state.driverFeaturesLow).toBe(1 << VIRTIO_F_ANY_LAYOUT);
    expectTraffic(rig);
  });

  it("not negotiated are not used: an indirect descriptor is refused without INDIRECT_DESC", () => {
    const { driver, backend, card } = makeRig({ guest: { features: [VIRTIO_F_ANY_LAYOUT] } });
    driver.txRing.addChain([{ gpa: 0x1000, length: 160 }], []);
    driver.txRing.raw.writeDescriptor(0, { flags: 4 });
    driver.txRing.publish();
    driver.transport.notify(1);
    expect(backend.transmits).toBe(0);
    expect(card.counters.transmitQueue.refused.indirectNotAllowed).toBe(1);
  });
});

describe("configuration (5.1.4)", () => {
  it.each([1, 2, 4] as const)("reads the same at a width of %i", (width) => {
    const { machine, card } = makeRig({ link: { mtu: 0x1234 } });
    const bytes: number[] = [];
    for (let at = 0; at < 12; at += width) {
      const value = machine.ports.in(card.iobase + 20 + at, width);
      for (let i = 0; i < width; i++) bytes.push((value >>> (8 * i)) & 0xff);
    }
    expect(bytes).toEqual([0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 1, 0, 0x34, 0x12]);
  });

  it("is the guest's to read but for the address, which it may write at any width (5.1.4.3)", () => {
    const { machine, card } = makeRig();
    const { ports } = machine;
    for (let at = 0; at < 12; at++) ports.out(card.iobase + 20 + at, 1, 0xa0 + at);
    expect([...card.mac]).toEqual([0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5]);
    expect(ports.in(card.iobase + 26, 2)).toBe(1);
    expect(ports.in(card.iobase + 28, 4)).toBe((1500 << 16) | 1);
    ports.out(card.iobase + 22, 4, 0x4433_2211);
    ports.out(card.iobase + 20, 2, 0x0002);
    expect([...card.mac]).toEqual([2, 0, 0x11, 0x22, 0x33, 0x44]);
  });

  it("card.mac is a copy", () => {
    const { card, driver } = makeRig();
    card.mac.fill(0);
    expect(driver.readMac()).not.toEqual(new Uint8Array(6));
  });

  it("the backend's address is copied", () => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    const { card, driver } = makeRig({ link: { mac } });
    mac.fill(9);
    driver.start();
    expect([...card.mac]).toEqual([2, 0, 0, 0, 0, 1]);
  });
});
