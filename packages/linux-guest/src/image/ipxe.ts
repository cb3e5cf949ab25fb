import { join } from "node:path";
import { findDebianPackages, readUnpacked } from "./debian-packages.ts";
import { ensureMade, type MakeOptions } from "./made-files.ts";

const FILE = "boot/ipxe.lkrn";

/**
 * Finds Debian's iPXE in the user's cache, or fetches it: a boot loader with network drivers of its own, in the form
 * of a Linux kernel. Its script is handed to it as the initrd.
 * @returns the path of `ipxe.lkrn`
 * @throws GuestImageError where it cannot be had
 */
export async function ensureIpxe(options: MakeOptions = {}): Promise<string> {
  const folder = await ensureMade(
    {
      name: "ipxe",
      version: "1",
      find: (...where) => findDebianPackages([{ names: ["ipxe"], files: [FILE] }], ...where),
      make: async (unpacked) => new Map([["ipxe.lkrn", await readUnpacked(unpacked, FILE)]]),
    },
    options,
  );
  return join(folder, "ipxe.lkrn");
}
