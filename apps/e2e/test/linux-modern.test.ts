import { Hub } from "@vmmkit/backend-loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bitNumbers } from "./linux/probe.ts";
import { CardGuest, pciFolder } from "./support/card-guest.ts";
import { configure, fetchFile, noLoss, ping, type ServedFile, serveFile } from "./support/traffic.ts";

/** Numbers of features' bits. */
const VERSION_1 = 32;
const RING_PACKED = 34;
const RING_RESET = 40;
const PCI_DRIVER = "/sys/bus/pci/drivers/virtio-pci";
/** Bit of a resource's flags in sysfs: memory, prefetchable, 64 bits. */
const MEM_PREFETCH_64 = 0x14_2200;

/*
 * Two guests. eth0: alice has a modern card with packed virtqueues, bob a legacy one. eth1: alice has both interfaces on
 * one function, with split virtqueues, bob a modern card.
 */
describe("Linux, virtio_pci in modern mode", () => {
  const first = new Hub();
  const second = new Hub();
  let guests: readonly [CardGuest, CardGuest] | null = null;
  let files: readonly [ServedFile, ServedFile] | null = null;

  const lab = () => {
    if (guests === null || files === null) throw new Error("the guests did not boot");
    const [alice, bob] = guests;
    return { alice, bob, ofAlice: files[0], ofBob: files[1] };
  };

  async function expectTraffic(): Promise<void> {
    const { alice, bob, ofAlice, ofBob } = lab();
    for (const net of [0, 1]) {
      await configure(alice, `eth${net}`, `10.${net}.0.1`);
      await configure(bob, `eth${net}`, `10.${net}.0.2`);
      expect(await ping(alice, `10.${net}.0.2`)).toEqual(noLoss(5));
      expect(await ping(alice, `10.${net}.0.2`, { size: 1472 })).toEqual(noLoss(5));
      expect(await fetchFile(alice, `10.${net}.0.2`, ofBob)).toBe(ofBob.md5);
      expect(await fetchFile(bob, `10.${net}.0.1`, ofAlice)).toBe(ofAlice.md5);
    }
  }

  beforeAll(async () => {
    guests = await Promise.all([
      CardGuest.boot("alice", [
        { backend: first.port(), options: { transport: "modern", packed: true } },
        { backend: second.port(), options: { transport: "transitional" } },
      ]),
      CardGuest.boot("bob", [{ backend: first.port() }, { backend: second.port(), options: { transport: "modern" } }]),
    ]);
    files = [await serveFile(guests[0], 1), await serveFile(guests[1], 1)];
  });

  afterAll(async () => {
    await Promise.all((guests ?? []).map((guest) => guest.destroy()));
  });

  it("binds its modern driver to both kinds of card, and the legacy one where there is nothing else", async () => {
    const { alice, bob } = lab();
    expect((await alice.sh("cat /proc/iomem")).match(/virtio-pci-modern/g)).toHaveLength(2);
    expect((await bob.sh("cat /proc/iomem")).match(/virtio-pci-modern/g)).toHaveLength(1);
    expect(await bob.sh("cat /proc/ioports")).toContain("virtio-pci-legacy");
  });

  it("finds the registers behind a prefetchable 64-bit BAR below 4 GiB", async () => {
    const { alice } = lab();
    for (const card of alice.cards) {
      const lines = (await alice.sh(`cat ${pciFolder(card)}/resource`)).split("\n");
      const [start = 0, end = 0, flags = 0] = (lines[4] ?? "").split(" ").map(Number);
      expect(end - start).toBe(0x3fff);
      expect(start).toBeGreaterThan(0);
      expect(end).toBeLessThan(2 ** 32);
      expect(flags & MEM_PREFETCH_64).toBe(MEM_PREFETCH_64);
    }
  });

  it("accepts VERSION_1, RING_RESET, and packed virtqueues where they are on offer", async () => {
    const { alice } = lab();
    for (const [i, card] of alice.cards.entries()) {
      const bits = bitNumbers(await alice.sh(`cat /sys/bus/virtio/devices/virtio${i}/features`));
      expect(bits).toContain(VERSION_1);
      expect(bits).toContain(RING_RESET);
      expect(bits.includes(RING_PACKED)).toBe(i === 0);
      expect(bits.filter((bit) => !card.emul.state.hasFeature(bit))).toEqual([]);
    }
  });

  it("carries pings and files both ways", expectTraffic);

  it("tells the guest of a link that goes and comes back", async () => {
    const { alice } = lab();
    for (const [i, card] of alice.cards.entries()) {
      card.setLink(false);
      expect(await alice.sh(`sleep 1; cat /sys/class/net/eth${i}/carrier`)).toBe("0");
      card.setLink(true);
      expect(await alice.sh(`sleep 1; cat /sys/class/net/eth${i}/carrier`)).toBe("1");
    }
  });

  it("lets the driver go and come back", async () => {
    const { alice } = lab();
    for (const card of alice.cards) {
      const name = pciFolder(card).slice(-12);
      await alice.sh(`echo ${name} >${PCI_DRIVER}/unbind`);
      expect(card.running).toBe(false);
      await alice.sh(`echo ${name} >${PCI_DRIVER}/bind`);
      expect(card.running).toBe(true);
    }
    await expectTraffic();
  });

  it("finds a function again that was removed, and places its BARs", async () => {
    const { alice } = lab();
    const folder = pciFolder(alice.card(0));
    await alice.sh(`echo 1 >${folder}/remove && echo 1 >/sys/bus/pci/rescan`);
    expect(alice.card(0).running).toBe(true);
    await expectTraffic();
  });

  it("no card complained of its guest", () => {
    const { alice, bob } = lab();
    expect([...alice.complaints, ...bob.complaints]).toEqual([]);
  });
});
