import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { ensureGuestImage } from "@vmmkit/linux-guest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENT, type IpxeLab, SERVER, startIpxe } from "./support/ipxe-lab.ts";
import { noLoss, ping } from "./support/traffic.ts";

const DISCOVER = 1;
const REQUEST = 3;
/** For what takes seconds on a machine of one's own. */
const PATIENT = { timeout: 500_000, interval: 200 };

const GREETING = "script from the far side";
/** Number of a feature's bit. */
const VERSION_1 = 32;

// iPXE's driver is not Linux's: queues of 256 at most, no interrupts, addresses of the queues before the features.
describe("iPXE, and an operating system behind it", () => {
  const files = new Map<string, Uint8Array>();
  let current: IpxeLab | null = null;
  const lab = (): IpxeLab => {
    if (current === null) throw new Error("the guest did not start");
    return current;
  };

  beforeAll(async () => {
    const image = await ensureGuestImage();
    files.set("kernel", await readFile(image.kernel));
    files.set("initrd", await readFile(image.initrd));
    files.set("random.bin", randomBytes(300_001));
    files.set("boot.ipxe", new TextEncoder().encode(bootScript(image.cmdline)));
    current = await startIpxe({}, files);
  });

  afterAll(() => current?.close());

  it("gets an address by DHCP", async () => {
    await expect.poll(() => lab().messages, PATIENT).toContain(REQUEST);
    expect(lab().messages[0]).toBe(DISCOVER);
  });

  it("fetches a script by TFTP, and runs it", async () => {
    await expect.poll(lab().screen, PATIENT).toContain(GREETING);
    expect(lab().transfers[0]).toEqual({ path: "boot.ipxe", complete: true });
  });

  it("fetches a kernel of some 30 MB and boots it", async () => {
    await expect.poll(() => lab().transfers.map(({ path }) => path), PATIENT).toContain("initrd");
    expect(lab().transfers[1]).toEqual({ path: "kernel", complete: true });
    expect(await lab().guest.guest.ready()).toMatch(/^\d+\./);
  });

  it("Linux's driver takes the card over from iPXE's", async () => {
    const { guest, station } = lab();
    const before = station.pings;
    await guest.sh(`ip addr add ${CLIENT}/24 dev eth0 && ip link set eth0 up`);
    expect(await ping(guest, SERVER, { count: 20 })).toEqual(noLoss(20));
    expect(station.pings).toBe(before + 20);
    const sum = await guest.sh(`tftp -g -b 1432 -r random.bin -l /tmp/random.bin ${SERVER} && md5sum /tmp/random.bin`);
    expect(sum.slice(0, 32)).toBe(md5(files.get("random.bin") ?? new Uint8Array(0)));
  });

  it("iPXE takes the card back when the guest reboots", async () => {
    files.set("boot.ipxe", new TextEncoder().encode("#!ipxe\necho and again\n"));
    const { guest, messages, screen } = lab();
    const seen = messages.length;
    guest.guest.start("reboot -f").result.catch(() => {});
    await expect.poll(screen, PATIENT).toContain("and again");
    expect(messages.slice(seen)).toContain(REQUEST);
  });

  it("the card did not complain of either", () => {
    expect(lab().guest.complaints).toEqual([]);
  });
});

// Where there is no other interface it takes the modern one, and it prefers it where there are both.
describe.each(["modern", "transitional"] as const)("iPXE and a %s card", (transport) => {
  it("gets an address and a script through the modern interface", async () => {
    // At its end iPXE would let the card go.
    const script = new TextEncoder().encode(`#!ipxe\necho ${GREETING}\nsleep 600\n`);
    const lab = await startIpxe({ transport }, new Map([["boot.ipxe", script]]));
    try {
      await expect.poll(lab.screen, PATIENT).toContain(GREETING);
      expect(lab.messages).toContain(REQUEST);
      expect(lab.guest.card(0).emul.state.hasFeature(VERSION_1)).toBe(true);
      expect(lab.guest.complaints).toEqual([]);
    } finally {
      await lab.close();
    }
  });
});

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function bootScript(cmdline: string): string {
  return `#!ipxe
echo ${GREETING}
kernel tftp://${SERVER}/kernel ${cmdline}
initrd tftp://${SERVER}/initrd
boot
`;
}
