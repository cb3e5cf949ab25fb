import { createHash } from "node:crypto";
import { access, open } from "node:fs/promises";
import { join } from "node:path";
import { GuestOptionError } from "../errors.ts";
import { readBzImage } from "./bzimage.ts";
import {
  findDebianPackages,
  type ImageStep,
  type PackageFinder,
  readUnpacked,
  type WantedPackage,
} from "./debian-packages.ts";
import { initEntries } from "./init-scripts.ts";
import { buildInitramfs, KERNEL_FILES } from "./initramfs.ts";
import { kernelCommandLine } from "./kernel-command-line.ts";
import { ensureMade, type MakeOptions } from "./made-files.ts";
import { unpackKernel } from "./unpack-kernel.ts";

/** The files that a guest boots from, as paths. */
export interface GuestFiles {
  /** Linux as a bzImage. */
  readonly kernel: string;
  /** Its initramfs, with the agent that `LinuxGuest` talks to. */
  readonly initrd: string;
  /** SeaBIOS, for the PC. */
  readonly bios: string;
  /** SeaBIOS, for the VGA card. */
  readonly vgaBios: string;
}

/** What a guest boots from. It can be cloned. */
export interface GuestImage extends GuestFiles {
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
  /** The kernel's command line. */
  readonly cmdline: string;
}

/**
 * Options of `ensureGuestImage`. A file that is given is taken instead of the made one. With all four nothing is
 * fetched, and Debian is not needed; `kernel` and `initrd` go together.
 */
export interface GuestImageOptions extends MakeOptions, Partial<GuestFiles> {}

const NAMES: GuestFiles = { kernel: "kernel", initrd: "initrd", bios: "bios.bin", vgaBios: "vgabios.bin" };
const BIOS_FILE = "usr/share/seabios/bios.bin";
const VGA_BIOS_FILE = "usr/share/seabios/vgabios-stdvga.bin";

const PACKAGES: readonly WantedPackage[] = [
  // Without PAE first: page tables of two levels are quicker to walk in software.
  { names: ["linux-image-686", "linux-image-686-pae"], files: KERNEL_FILES },
  { names: ["busybox-static"], files: ["bin/busybox", "usr/bin/busybox"] },
  { names: ["seabios"], files: [BIOS_FILE, VGA_BIOS_FILE] },
];

/** Another number makes images anew that the same packages were made into before. */
const RECIPE_NUMBER = 2;

/**
 * Finds the guest image in the user's cache, or makes it: Debian's kernel and busybox for i386 and SeaBIOS, fetched
 * and verified by apt with a state of its own (no root, nothing of the system changes).
 * @throws GuestOptionError for a file that cannot be read or is no kernel, or `kernel` without `initrd`
 * @throws GuestImageError where it cannot be made
 */
export async function ensureGuestImage(options: GuestImageOptions = {}): Promise<GuestImage> {
  await checkGivenFiles(options);
  const { kernel, initrd, bios, vgaBios } = options;
  if (kernel !== undefined && initrd !== undefined && bios !== undefined && vgaBios !== undefined) {
    return describe({ kernel, initrd, bios, vgaBios });
  }
  const find: PackageFinder = (...where) => findDebianPackages(PACKAGES, ...where);
  const recipe = { name: "linux-guest", version: recipeVersion(), find, make: makeFiles };
  const folder = await ensureMade(recipe, options);
  return describe({
    kernel: kernel ?? join(folder, NAMES.kernel),
    initrd: initrd ?? join(folder, NAMES.initrd),
    bios: bios ?? join(folder, NAMES.bios),
    vgaBios: vgaBios ?? join(folder, NAMES.vgaBios),
  });
}

async function makeFiles(work: string, onStep: (step: ImageStep) => void): Promise<Map<string, Uint8Array>> {
  const original = await readUnpacked(work, "boot/vmlinuz-*");
  onStep({ phase: "kernel", done: 0, total: 1 });
  const kernel = (await unpackKernel(original)) ?? original;
  onStep({ phase: "initramfs", done: 0, total: 1 });
  const busybox = await readUnpacked(work, "bin/busybox").catch(() => readUnpacked(work, "usr/bin/busybox"));
  const release = readBzImage(original)?.release ?? "";
  return new Map<string, Uint8Array>([
    [NAMES.kernel, kernel],
    [NAMES.initrd, await buildInitramfs(work, release, busybox)],
    [NAMES.bios, await readUnpacked(work, BIOS_FILE)],
    [NAMES.vgaBios, await readUnpacked(work, VGA_BIOS_FILE)],
  ]);
}

async function describe(files: GuestFiles): Promise<GuestImage> {
  const image = readBzImage(await readStart(files.kernel));
  if (image === null) throw new GuestOptionError(`"kernel" expected a Linux bzImage, got ${files.kernel}`);
  return { ...files, kernelRelease: image.release, cmdline: kernelCommandLine() };
}

/** The setup code, which the header and the release are in. */
async function readStart(file: string): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(0x1_0000), 0, 0x1_0000, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function checkGivenFiles(options: GuestImageOptions): Promise<void> {
  if ((options.kernel === undefined) !== (options.initrd === undefined)) {
    throw new GuestOptionError('"kernel" and "initrd" expected together: the modules in one fit only the other');
  }
  for (const name of ["kernel", "initrd", "bios", "vgaBios"] as const) {
    const file = options[name];
    if (file === undefined) continue;
    await access(file).catch(() => {
      throw new GuestOptionError(`"${name}" expected a file that can be read, got ${file}`);
    });
  }
}

/** Changes with everything that goes into an image besides the packages. */
function recipeVersion(): string {
  const scripts = initEntries().map(({ path, data }) => [path, String(data)]);
  const ingredients = JSON.stringify([RECIPE_NUMBER, PACKAGES, scripts]);
  return createHash("sha256").update(ingredients).digest("hex").slice(0, 16);
}
