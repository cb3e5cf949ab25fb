import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";
import { configure, fetchFile, noLoss, ping } from "../support/traffic.ts";

const NET_DRIVER = "/sys/bus/virtio/drivers/virtio_net";
const PCI_DRIVER = "/sys/bus/pci/drivers/virtio-pci";

/** The guest's driver lets the card go and takes it again. */
export function driverTests(lab: () => Lab): void {
  it("network driver unbound and bound", async () => {
    const { alice } = lab();
    await alice.sh(`echo virtio0 >${NET_DRIVER}/unbind`);
    expect(alice.card(0).running).toBe(false);
    await alice.sh(`echo virtio0 >${NET_DRIVER}/bind`);
    expect(alice.card(0).running).toBe(true);
    await expectTraffic(lab());
  });

  it("PCI driver unbound and bound", async () => {
    const { alice } = lab();
    await alice.sh(`echo 0000:00:02.0 >${PCI_DRIVER}/unbind`);
    expect(alice.card(0).running).toBe(false);
    await alice.sh(`echo 0000:00:02.0 >${PCI_DRIVER}/bind`);
    await expectTraffic(lab());
  });

  it("modules unloaded and loaded", async () => {
    const { alice } = lab();
    await alice.sh("rmmod virtio_net && rmmod virtio_pci");
    expect(await alice.sh("cat /proc/modules")).not.toMatch(/^virtio_(net|pci) /m);
    expect(alice.cards.map((card) => card.running)).toEqual([false, false]);
    await alice.sh("modprobe virtio_pci && modprobe virtio_net");
    await configure(alice, "eth1", "10.1.0.1");
    await expectTraffic(lab());
    expect(await ping(alice, "10.1.0.2", { size: 65507 })).toEqual(noLoss(5));
  });
}

/** alice's first card is set up anew, pings and carries a file. */
export async function expectTraffic({ alice, small }: Lab): Promise<void> {
  await configure(alice, "eth0", "10.0.0.1");
  expect(await ping(alice, "10.0.0.2")).toEqual(noLoss(5));
  expect(await fetchFile(alice, "10.0.0.2", small.bob)).toBe(small.bob.md5);
}
