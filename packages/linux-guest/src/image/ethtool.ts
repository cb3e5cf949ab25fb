import { join } from "node:path";
import { packCpio } from "./cpio.ts";
import { findDebianPackages, type PackageFinder, readUnpacked, type WantedPackage } from "./debian-packages.ts";
import { ensureMade, type MakeOptions } from "./made-files.ts";

const LOADER = "ld-linux.so.2";

const PACKAGES: readonly WantedPackage[] = [
  { names: ["ethtool"], files: ["sbin/ethtool", "usr/sbin/ethtool"] },
  { names: ["libmnl0"], files: ["usr/lib/i386-linux-gnu/libmnl.so.0*"] },
  {
    names: ["libc6"],
    files: ["lib/i386-linux-gnu/libc.so.*", "lib/i386-linux-gnu/libm.so.*", `lib/i386-linux-gnu/${LOADER}`],
  },
];

const FILE = "ethtool.cpio";

/**
 * Finds Debian's ethtool for i386 with the libraries that it needs in the user's cache, or fetches them.
 * @returns a cpio archive, for `GuestOptions.overlays`: the guest then has /bin/ethtool
 * @throws GuestImageError where it cannot be had
 */
export async function ensureEthtool(options: MakeOptions = {}): Promise<string> {
  const find: PackageFinder = (...where) => findDebianPackages(PACKAGES, ...where);
  return join(await ensureMade({ name: "ethtool", version: "2", find, make: makeArchive }, options), FILE);
}

async function makeArchive(unpacked: string): Promise<Map<string, Uint8Array>> {
  const read = (path: string): Promise<Uint8Array> => readUnpacked(unpacked, path);
  const files: readonly (readonly [path: string, data: Uint8Array])[] = [
    ["bin/ethtool", await read("sbin/ethtool").catch(() => read("usr/sbin/ethtool"))],
    ["lib/libmnl.so.0", await read("usr/lib/i386-linux-gnu/libmnl.so.0")],
    ["lib/libm.so.6", await read("lib/i386-linux-gnu/libm.so.6")],
    ["lib/libc.so.6", await read("lib/i386-linux-gnu/libc.so.6")],
    [`lib/${LOADER}`, await read(`lib/i386-linux-gnu/${LOADER}`)],
  ];
  return new Map([[FILE, packCpio(files.map(([path, data]) => ({ path, mode: 0o100755, data })))]]);
}
