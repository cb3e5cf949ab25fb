import { join } from "node:path";
import { packCpio } from "./cpio.ts";
import { findDebianPackages, type PackageFinder, readUnpacked, type WantedPackage } from "./debian-packages.ts";
import { ensureMade, type MakeOptions } from "./made-files.ts";

const LIBRARIES = "usr/lib/i386-linux-gnu";
const LOADER = "ld-linux.so.2";

const PACKAGES: readonly WantedPackage[] = [
  { names: ["iperf3"], files: ["usr/bin/iperf3"] },
  { names: ["libiperf0"], files: [`${LIBRARIES}/libiperf.so.0*`] },
  { names: ["libsctp1"], files: [`${LIBRARIES}/libsctp.so.1*`] },
  { names: ["libssl3"], files: [`${LIBRARIES}/libssl.so.3`, `${LIBRARIES}/libcrypto.so.3`] },
  { names: ["libc6"], files: [`lib/i386-linux-gnu/lib*.so.*`, `lib/i386-linux-gnu/${LOADER}`] },
];

/** Where each library lies in its package. */
const NEEDED: readonly (readonly [name: string, folder: string])[] = [
  ["libiperf.so.0", LIBRARIES],
  ["libsctp.so.1", LIBRARIES],
  ["libssl.so.3", LIBRARIES],
  ["libcrypto.so.3", LIBRARIES],
  ["libc.so.6", "lib/i386-linux-gnu"],
  ["libm.so.6", "lib/i386-linux-gnu"],
  [LOADER, "lib/i386-linux-gnu"],
];

const FILE = "iperf3.cpio";

/**
 * Finds Debian's iperf3 for i386 with the libraries that it needs in the user's cache, or fetches them.
 * @returns a cpio archive, for `GuestOptions.overlays`: the guest then has /bin/iperf3
 * @throws GuestImageError where it cannot be had
 */
export async function ensureIperf3(options: MakeOptions = {}): Promise<string> {
  const find: PackageFinder = (...where) => findDebianPackages(PACKAGES, ...where);
  const recipe = { name: "iperf3", version: "1", find, make: makeArchive };
  return join(await ensureMade(recipe, options), FILE);
}

async function makeArchive(unpacked: string): Promise<Map<string, Uint8Array>> {
  const entries = [{ path: "bin/iperf3", mode: 0o100755, data: await readUnpacked(unpacked, "usr/bin/iperf3") }];
  for (const [name, folder] of NEEDED) {
    entries.push({ path: `lib/${name}`, mode: 0o100755, data: await readUnpacked(unpacked, `${folder}/${name}`) });
  }
  return new Map([[FILE, packCpio(entries)]]);
}
