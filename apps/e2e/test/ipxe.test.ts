import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hub } from "@vmmkit/backend-loopback";
import { ensureGuestImage, ensureIpxe, VgaText } from "@vmmkit/linux-guest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CardGuest } from "./support/card-guest.ts";
import { serveDhcp } from "./support/host/dhcp-server.ts";
import { HostStation } from "./support/host/host-station.ts";
import { parseIp } from "./support/host/packet.ts";
import { serveTftp, type TftpTransfer } from "./support/host/tftp-server.ts";
import { noLoss, ping } from "./support/traffic.ts";

const SERVER = "10.9.0.1";
const CLIENT = "10.9.0.2";
const DISCOVER = 1;
const REQUEST = 3;
/** For what takes seconds on a machine of one's own. */
const PATIENT = { timeout: 500_000, interval: 200 };

/** What iPXE gets as its initrd: an address, by DHCP alone, and the rest of the script from the server. */
const FIRST_SCRIPT = `#!ipxe
ifconf --configurator dhcp net0
chain tftp://\${next-server}/boot.ipxe
`;
const GREETING = "script from the far side";

// iPXE's driver is not Linux's: queues of 256 at most, no interrupts, addresses of the queues before the features.
describe("iPXE, and an operating system behind it", () => {
  const files = new Map<string, Uint8Array>();
  let folder: string;
  let guest: CardGuest;
  let station: HostStation;
  let messages: readonly number[];
  let transfers: readonly TftpTransfer[];
  let vga: VgaText | null = null;

  const screen = (): string => (vga?.lines ?? []).join("\n").trim();

  beforeAll(async () => {
    const image = await ensureGuestImage();
    files.set("kernel", await readFile(image.kernel));
    files.set("initrd", await readFile(image.initrd));
    files.set("random.bin", randomBytes(300_001));
    files.set("boot.ipxe", new TextEncoder().encode(bootScript(image.cmdline)));
    folder = await mkdtemp(join(tmpdir(), "vmmkit-"));
    const script = join(folder, "script.ipxe");
    await writeFile(script, FIRST_SCRIPT);
    // The host on it takes frames as they go over a wire.
    const hub = new Hub({ offloads: 0 });
    station = new HostStation(hub.port(), SERVER);
    messages = serveDhcp(station, parseIp(CLIENT));
    transfers = serveTftp(station, files);
    guest = await CardGuest.start("ipxe", [{ backend: hub.port() }], {
      image: { ...image, kernel: await ensureIpxe(), initrd: script, cmdline: "" },
      onEmulator: (emulator) => {
        vga = new VgaText(emulator);
      },
    });
    // Whoever waits for it is told; nobody may be waiting yet.
    guest.guest.ready().catch(() => {});
  });

  afterAll(async () => {
    await guest?.destroy();
    await rm(folder, { recursive: true, force: true });
  });

  it("gets an address by DHCP", async () => {
    await expect.poll(() => messages, PATIENT).toContain(REQUEST);
    expect(messages[0]).toBe(DISCOVER);
  });

  it("fetches a script by TFTP, and runs it", async () => {
    await expect.poll(screen, PATIENT).toContain(GREETING);
    expect(transfers[0]).toEqual({ path: "boot.ipxe", complete: true });
  });

  it("fetches a kernel of some 30 MB and boots it", async () => {
    await expect.poll(() => transfers.map(({ path }) => path), PATIENT).toContain("initrd");
    expect(transfers[1]).toEqual({ path: "kernel", complete: true });
    expect(await guest.guest.ready()).toMatch(/^\d+\./);
  });

  it("Linux's driver takes the card over from iPXE's", async () => {
    const before = station.pings;
    await guest.sh(`ip addr add ${CLIENT}/24 dev eth0 && ip link set eth0 up`);
    expect(await ping(guest, SERVER, { count: 20 })).toEqual(noLoss(20));
    expect(station.pings).toBe(before + 20);
    const sum = await guest.sh(`tftp -g -b 1432 -r random.bin -l /tmp/random.bin ${SERVER} && md5sum /tmp/random.bin`);
    expect(sum.slice(0, 32)).toBe(md5(files.get("random.bin") ?? new Uint8Array(0)));
  });

  it("iPXE takes the card back when the guest reboots", async () => {
    files.set("boot.ipxe", new TextEncoder().encode("#!ipxe\necho and again\n"));
    const seen = messages.length;
    guest.guest.start("reboot -f").result.catch(() => {});
    await expect.poll(screen, PATIENT).toContain("and again");
    expect(messages.slice(seen)).toContain(REQUEST);
  });

  it("the card did not complain of either", () => {
    expect(guest.complaints).toEqual([]);
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
