import { formatMac } from "@vmmkit/ethif";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootLab, closeLab, type Lab } from "./support/lab.ts";
import { fetchFile, ping, serveFile } from "./support/traffic.ts";

const BULK_BYTES = 8 << 20;

describe("Linux, virtio_pci in legacy mode", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await bootLab();
  });

  afterAll(() => closeLab(lab));

  describe("probe", () => {
    it("takes the card for one of the legacy interface", async () => {
      const log = await lab.alice.sh("dmesg | grep virtio-pci");
      expect(log).toContain("0000:00:02.0: virtio_pci: leaving for legacy driver");
    });

    it("negotiates every feature that is offered", async () => {
      const bits = await lab.alice.sh("cat /sys/bus/virtio/devices/virtio0/features");
      const negotiated = [...bits].flatMap((bit, i) => (bit === "1" ? [i] : []));
      expect(negotiated).toEqual([3, 5, 15, 16, 27, 28, 29]);
    });

    it("claims the registers where the card has them", async () => {
      const range = lab.alice.card(0).iobase.toString(16);
      expect(await lab.alice.sh("cat /proc/ioports")).toMatch(new RegExp(`${range}-[0-9a-f]+ : virtio-pci-legacy`));
    });

    it("shows our MAC and MTU", async () => {
      const link = await lab.alice.sh("ip link show eth0");
      expect(link).toContain(formatMac(lab.alice.card(0).mac));
      expect(link).toContain("mtu 1500");
    });

    it("shares an interrupt between two cards", async () => {
      const interrupts = await lab.alice.sh("cat /proc/interrupts");
      expect(interrupts).toMatch(/virtio0, virtio1/);
    });
  });

  describe("traffic", () => {
    it("pings without loss", async () => {
      expect(await ping(lab.alice, "10.0.0.2", { count: 20 })).toEqual({ sent: 20, received: 20 });
    });

    it("moves a file each way and its checksum holds", async () => {
      const fromBob = await serveFile(lab.bob, BULK_BYTES);
      expect(await fetchFile(lab.alice, "10.0.0.2")).toBe(fromBob);
      const fromAlice = await serveFile(lab.alice, BULK_BYTES);
      expect(await fetchFile(lab.bob, "10.0.0.1")).toBe(fromAlice);
    });
  });

  it("never broke a queue", () => {
    expect(lab.alice.complaints).toEqual([]);
    expect(lab.bob.complaints).toEqual([]);
    expect(lab.carol.complaints).toEqual([]);
  });
});
