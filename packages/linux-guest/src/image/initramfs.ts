import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GuestImageError } from "../errors.ts";
import { packCpio } from "./cpio.ts";
import { decompress, isCompressed } from "./decompress.ts";
import { initEntries } from "./init-scripts.ts";
import { collectModules, type KernelModule, moduleName, modulesDep, parseBuiltIn } from "./kernel-modules.ts";

/** Modules that `init` loads. */
const LOADED_MODULES = ["virtio_pci", "virtio_net"];
/** Modules that lie in the guest for `modprobe`: packet generator, the driver of v86's own older card, VLANs. */
const CARRIED_MODULES = ["pktgen", "ne2k_pci", "8021q"];

/** What of a kernel package is unpacked, for `unpackDeb`: the folders of the modules above and of what they need. */
export const KERNEL_FILES: readonly string[] = [
  "boot/vmlinuz-*",
  ...["", "usr/"].flatMap((prefix) =>
    [
      "modules.builtin",
      "kernel/drivers/virtio/*",
      "kernel/drivers/net/*.ko*",
      "kernel/drivers/net/ethernet/8390/*",
      "kernel/net/core/*",
      "kernel/net/802/*",
      "kernel/net/8021q/*",
      "kernel/net/llc/*",
      "kernel/lib/*.ko*",
    ].map((path) => `${prefix}lib/modules/*/${path}`),
  ),
];

/**
 * Packs busybox, the modules of a kernel, and the scripts of the guest. The archive stays as it is: unpacking one
 * costs the guest seconds.
 * @param packageFolder where the kernel package's `KERNEL_FILES` were unpacked
 * @param release the kernel's release, as `uname -r` says it
 * @param busybox the program, linked statically
 * @throws GuestImageError where a module is missing
 */
export async function buildInitramfs(packageFolder: string, release: string, busybox: Uint8Array): Promise<Uint8Array> {
  const modules = await readModules(packageFolder, release);
  const folder = `lib/modules/${release}`;
  return packCpio([
    ...initEntries(),
    { path: "bin/busybox", mode: 0o100755, data: busybox },
    { path: "lib/modules/load", mode: 0o100644, data: Buffer.from(LOADED_MODULES.join(" ")) },
    { path: folder, mode: 0o40755 },
    { path: `${folder}/modules.dep`, mode: 0o100644, data: Buffer.from(modulesDep(modules)) },
    ...modules.map(({ name, bytes }) => ({ path: `${folder}/${name}.ko`, mode: 0o100644, data: bytes })),
  ]);
}

async function readModules(packageFolder: string, release: string): Promise<KernelModule[]> {
  const folder = await modulesFolder(packageFolder, release);
  const builtIn = parseBuiltIn(await readFile(join(folder, "modules.builtin"), "utf8"));
  const files = new Map<string, string>();
  for (const path of await readdir(folder, { recursive: true })) {
    if (/\.ko(\.\w+)?$/.test(path)) files.set(moduleName(path), join(folder, path));
  }
  return collectModules([...LOADED_MODULES, ...CARRIED_MODULES], builtIn, async (name) => {
    const file = files.get(name);
    if (file === undefined) return null;
    const bytes = await readFile(file);
    return isCompressed(bytes) ? decompress(bytes) : bytes;
  });
}

async function modulesFolder(packageFolder: string, release: string): Promise<string> {
  for (const prefix of ["lib", "usr/lib"]) {
    const folder = join(packageFolder, prefix, "modules", release);
    const found: string[] = await readdir(folder).catch(() => []);
    if (found.includes("modules.builtin")) return folder;
  }
  throw new GuestImageError(`the kernel package holds no modules of release ${release}`);
}
