import { createHash } from "node:crypto";
import { access, open } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { GuestOptionError } from "../errors.ts";
import { readBzImage } from "./bzimage.ts";
import { defaultCacheFolder, type Manifest, publish, readManifest } from "./cache.ts";
import { findDebianPackages, type ImageStep, readUnpacked, type WantedPackage } from "./debian-packages.ts";
import { withLock } from "./file-lock.ts";
import { initEntries } from "./init-scripts.ts";
import { buildInitramfs, KERNEL_FILES } from "./initramfs.ts";
import { kernelCommandLine } from "./kernel-command-line.ts";
import { withTemporaryFolder } from "./temporary-folder.ts";
import { unpackKernel } from "./unpack-kernel.ts";

/** What a guest boots from. All files are paths. */
export interface GuestImage {
  /** Linux as a bzImage. */
  readonly kernel: string;
  /** Its initramfs, with the agent that `LinuxGuest` talks to. */
  readonly initrd: string;
  /** SeaBIOS, for the PC. */
  readonly bios: string;
  /** SeaBIOS, for the VGA card. */
  readonly vgaBios: string;
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
  /** The kernel's command line. */
  readonly cmdline: string;
}

/** Options of `ensureGuestImage`. */
export interface GuestImageOptions {
  /** Where images are kept. Default: the folder `vmmkit` in the user's cache folder. */
  readonly cacheFolder?: string;
  /** Ask the archive whether there are newer packages than those of the kept image. Default: take what is there. */
  readonly refresh?: boolean;
  /** Told of each step while an image is made. Not called where one is there. */
  readonly onProgress?: (step: ImageStep) => void;
  /** Stops the making. */
  readonly signal?: AbortSignal;
  /** Files to take instead of made ones. With all four nothing is fetched; `kernel` and `initrd` go together. */
  readonly kernel?: string;
  readonly initrd?: string;
  readonly bios?: string;
  readonly vgaBios?: string;
}

const FILES = { kernel: "kernel", initrd: "initrd", bios: "bios.bin", vgaBios: "vgabios.bin" } as const;
const BIOS_FILE = "usr/share/seabios/bios.bin";
const VGA_BIOS_FILE = "usr/share/seabios/vgabios-stdvga.bin";

const PACKAGES: readonly WantedPackage[] = [
  // Without PAE first: page tables of two levels are quicker to walk in software.
  { names: ["linux-image-686", "linux-image-686-pae"], files: KERNEL_FILES },
  { names: ["busybox-static"], files: ["bin/busybox", "usr/bin/busybox"] },
  { names: ["seabios"], files: [BIOS_FILE, VGA_BIOS_FILE] },
];

/** Another number makes images anew that the same packages were made into before. */
const RECIPE_NUMBER = 1;

/**
 * Finds the guest image in the user's cache, or makes it: Debian's kernel and busybox for i386 and SeaBIOS, fetched
 * and verified by apt with a state of its own (no root, nothing of the system changes). Several processes may ask
 * at once; one makes it and the others wait.
 * @throws GuestOptionError for a file that is not there, or `kernel` without `initrd`
 * @throws GuestImageError where it cannot be made
 */
export async function ensureGuestImage(options: GuestImageOptions = {}): Promise<GuestImage> {
  await checkGivenFiles(options);
  const { kernel, initrd, bios, vgaBios } = options;
  if (kernel !== undefined && initrd !== undefined && bios !== undefined && vgaBios !== undefined) {
    return describe({ kernel, initrd, bios, vgaBios });
  }
  const folder = join(options.cacheFolder ?? defaultCacheFolder(), "linux-guest");
  const recipe = currentRecipe();
  if (options.refresh === true || (await readManifest(folder, recipe)) === null) {
    await withLock(`${folder}.lock`, options.signal, () => renew(folder, recipe, options));
  }
  const kept = {
    kernel: kernel ?? join(folder, FILES.kernel),
    initrd: initrd ?? join(folder, FILES.initrd),
    bios: bios ?? join(folder, FILES.bios),
    vgaBios: vgaBios ?? join(folder, FILES.vgaBios),
  };
  return describe(kept);
}

/** Makes the image unless somebody else just did, or it is of the newest packages already. */
async function renew(folder: string, recipe: string, options: GuestImageOptions): Promise<Manifest> {
  const kept = await readManifest(folder, recipe);
  if (kept !== null && options.refresh !== true) return kept;
  const onStep = options.onProgress ?? (() => {});
  return withTemporaryFolder(async (work) => {
    const { packages, fetch } = await findDebianPackages(PACKAGES, work, onStep, options.signal);
    const facts = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    if (kept !== null && isDeepStrictEqual(kept.facts, facts)) return kept;
    await fetch();
    return publish(folder, recipe, await makeFiles(work, onStep), facts);
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
    [FILES.kernel, kernel],
    [FILES.initrd, await buildInitramfs(work, release, busybox)],
    [FILES.bios, await readUnpacked(work, BIOS_FILE)],
    [FILES.vgaBios, await readUnpacked(work, VGA_BIOS_FILE)],
  ]);
}

async function describe(files: Pick<GuestImage, keyof typeof FILES>): Promise<GuestImage> {
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
function currentRecipe(): string {
  const ingredients = [RECIPE_NUMBER, PACKAGES, initEntries().map(({ path, data }) => [path, String(data)])];
  return createHash("sha256").update(JSON.stringify(ingredients)).digest("hex").slice(0, 16);
}
