import { expect, it } from "vitest";
import { type CardGuest, pciFolder } from "../support/card-guest.ts";
import type { Lab } from "../support/lab.ts";
import { expectTraffic } from "./driver.ts";

const PCI_DRIVER = "/sys/bus/pci/drivers/virtio-pci";
/** Offsets in configuration space. */
const COMMAND = 4;
const BAR0 = 0x10;
/** Offset of the device status register. */
const STATUS = 18;
/** Ports that nobody has. */
const OTHER_PORTS = 0x2000;
const NOBODY = 0xff;
/** What Linux leaves in the status register of a device without a driver. */
const ACKNOWLEDGE = 1;

/** What the guest does to the function rather than to the device. */
export function busTests(lab: () => Lab): void {
  it("the ports follow the command register and the BAR", async () => {
    const { alice } = lab();
    const card = alice.card(0);
    const home = card.iobase;
    await alice.sh(`echo 0000:00:02.0 >${PCI_DRIVER}/unbind`);
    await writeConfig(alice, COMMAND, [0, 0]);
    expect(await readPort(alice, home + STATUS)).toBe(NOBODY);
    await writeConfig(alice, BAR0, [OTHER_PORTS & 0xff, OTHER_PORTS >> 8, 0, 0]);
    expect(await readPort(alice, OTHER_PORTS + STATUS)).toBe(NOBODY);
    await writeConfig(alice, COMMAND, [1, 0]);
    expect(card.iobase).toBe(OTHER_PORTS);
    expect(await readPort(alice, OTHER_PORTS + STATUS)).toBe(ACKNOWLEDGE);
    expect(await readPort(alice, home + STATUS)).toBe(NOBODY);
    // Back while decoding is on: the ports move at once.
    await writeConfig(alice, BAR0, [home & 0xff, home >> 8, 0, 0]);
    expect(await readPort(alice, home + STATUS)).toBe(ACKNOWLEDGE);
    expect(await readPort(alice, OTHER_PORTS + STATUS)).toBe(NOBODY);
    await alice.sh(`echo 0000:00:02.0 >${PCI_DRIVER}/bind`);
    await expectTraffic(lab());
  });

  it("the function is removed and found again", async () => {
    const { alice } = lab();
    const card = alice.card(0);
    await alice.sh(`echo 1 >${pciFolder(card)}/remove && echo 1 >/sys/bus/pci/rescan`);
    const claimed = await alice.sh("grep virtio-pci-legacy /proc/ioports");
    expect(claimed).toContain(`${card.iobase.toString(16).padStart(4, "0")}-`);
    await expectTraffic(lab());
  });
}

/** Writes bytes to the first card's configuration space, past its driver. */
async function writeConfig(guest: CardGuest, offset: number, bytes: readonly number[]): Promise<void> {
  const octal = bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const file = `${pciFolder(guest.card(0))}/config`;
  await guest.sh(`printf '${octal}' | dd of=${file} bs=${bytes.length} seek=${offset / bytes.length} conv=notrunc`);
}

/** Reads a byte from an I/O port. */
async function readPort(guest: CardGuest, port: number): Promise<number> {
  return Number(await guest.sh(`dd if=/dev/port bs=1 skip=${port} count=1 2>/dev/null | od -An -tu1`));
}
