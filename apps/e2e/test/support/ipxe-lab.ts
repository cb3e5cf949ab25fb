import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hub } from "@vmmkit/backend-loopback";
import { ensureGuestImage, ensureIpxe, VgaText } from "@vmmkit/linux-guest";
import type { AddVirtioNetOptions } from "@vmmkit/v86";
import { CardGuest } from "./card-guest.ts";
import { serveDhcp } from "./host/dhcp-server.ts";
import { HostStation } from "./host/host-station.ts";
import { parseIp } from "./host/packet.ts";
import { serveTftp, type TftpTransfer } from "./host/tftp-server.ts";

export const SERVER = "10.9.0.1";
export const CLIENT = "10.9.0.2";

/** What iPXE gets as its initrd: an address, by DHCP alone, and the rest of the script from the server. */
const FIRST_SCRIPT = `#!ipxe
ifconf --configurator dhcp net0
chain tftp://\${next-server}/boot.ipxe
`;

/** A guest that runs iPXE, and the host that it boots from. */
export interface IpxeLab {
  readonly guest: CardGuest;
  readonly station: HostStation;
  /** Types of the DHCP messages that came, in order. */
  readonly messages: readonly number[];
  readonly transfers: readonly TftpTransfer[];
  /** What is on the guest's screen. */
  screen(): string;
  close(): Promise<void>;
}

/**
 * Starts a guest with Debian's iPXE.
 * @param files what the host serves; iPXE runs the script `boot.ipxe`
 */
export async function startIpxe(
  options: AddVirtioNetOptions,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<IpxeLab> {
  const folder = await mkdtemp(join(tmpdir(), "vmmkit-"));
  const script = join(folder, "script.ipxe");
  await writeFile(script, FIRST_SCRIPT);
  // The host on it takes frames as they go over a wire.
  const hub = new Hub({ offloads: 0 });
  const station = new HostStation(hub.port(), SERVER);
  const messages = serveDhcp(station, parseIp(CLIENT));
  const transfers = serveTftp(station, files);
  let vga: VgaText | null = null;
  const guest = await CardGuest.start("ipxe", [{ backend: hub.port(), options }], {
    image: { ...(await ensureGuestImage()), kernel: await ensureIpxe(), initrd: script, cmdline: "" },
    onEmulator: (emulator) => {
      vga = new VgaText(emulator);
    },
  });
  // Whoever waits for it is told; nobody may be waiting yet.
  guest.guest.ready().catch(() => {});
  return {
    guest,
    station,
    messages,
    transfers,
    screen: () => (vga?.lines ?? []).join("\n").trim(),
    close: async () => {
      await guest.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
