/* Offloads of the driver, set while it runs (VIRTIO 1.2, 5.1.6.5.8). */
import { Offload } from "@vmmkit/ethif";
import * as virtio from "@vmmkit/virtio";
import { describe, expect, it } from "vitest";
import { makeStateRig } from "./support/state-rig.ts";

const FEATURES = [
  virtio.VIRTIO_NET_F_CTRL_VQ,
  virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  virtio.VIRTIO_NET_F_GUEST_CSUM,
  virtio.VIRTIO_NET_F_GUEST_TSO4,
  virtio.VIRTIO_NET_F_MRG_RXBUF,
];
const CSUM = 1 << virtio.VIRTIO_NET_F_GUEST_CSUM;
const TSO4 = 1 << virtio.VIRTIO_NET_F_GUEST_TSO4;

function rig() {
  const made = makeStateRig({ link: { rxOffloads: 63 }, features: FEATURES });
  const told: number[] = [];
  Object.assign(made.backend.funcs, { setRxOffloads: (_driver: unknown, offloads: number) => told.push(offloads) });
  return { ...made, told };
}

describe("5.1.6.5.8 offloads state configuration", () => {
  it("is offered where there are offloads to configure, and a control queue", () => {
    const offers = (options: Parameters<typeof makeStateRig>[0]) =>
      makeStateRig(options).driver.offers(virtio.VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
    expect(offers({ link: { rxOffloads: 63 } })).toBe(true);
    expect(offers({})).toBe(false);
    expect(offers({ link: { rxOffloads: 63 }, card: { without: ["CTRL_VQ"] } })).toBe(false);
  });

  it("all that were negotiated are in force from the start; what is set replaces them, and the backend is told", () => {
    const { driver, told } = rig();
    driver.start();
    expect(told).toEqual([0, Offload.Csum | Offload.Tso4]);
    expect(driver.control.setGuestOffloads(CSUM)).toBe(true);
    expect(driver.control.setGuestOffloads(0)).toBe(true);
    expect(driver.control.setGuestOffloads(CSUM | TSO4)).toBe(true);
    expect(told.slice(2)).toEqual([Offload.Csum, 0, Offload.Csum | Offload.Tso4]);
  });

  it("of one without the checksum that it requires nothing is in force", () => {
    const { driver, told } = rig();
    expect(driver.control.setGuestOffloads(TSO4)).toBe(true);
    expect(told).toEqual([0]);
  });

  it.each([
    [1 << virtio.VIRTIO_NET_F_GUEST_TSO6, 0],
    [1 << virtio.VIRTIO_NET_F_MRG_RXBUF, 0],
    [0, 1],
    [1, 0],
  ])("bits that were not negotiated, or are no offloads, are refused: %i %i", (low, high) => {
    const { driver, told } = rig();
    expect(driver.control.setGuestOffloads(low, high)).toBe(false);
    expect(told).toEqual([]);
  });
});
