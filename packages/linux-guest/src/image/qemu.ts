import { chmod, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { GuestImageError } from "../errors.ts";
import { withRelease } from "./apt-sources.ts";
import { AptState, machineSources } from "./apt-state.ts";
import { unpackDeb } from "./deb.ts";
import { type FoundPackages, type ImageStep, percentOf } from "./debian-packages.ts";
import { ensureMade, type MakeOptions } from "./made-files.ts";
import { mustRun } from "./run-tool.ts";

/** The first of Debian's releases whose QEMU knows vfio-user (10.1): the machine's own may be older. */
const RELEASE = "forky";
const PACKAGE = "qemu-system-x86";
const PROGRAM = "qemu-system-x86_64";
const LOADER = "ld-linux-x86-64.so.2";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
/** Firmware, and what QEMU loads to boot a kernel that it was given. */
const FIRMWARE = ["usr/share/seabios/bios-256k.bin", "usr/share/qemu/kvmvapic.bin", "usr/share/qemu/linuxboot_dma.bin"];

/**
 * Finds a QEMU that has vfio-user in the user's cache, or fetches it with all of its libraries, as a file each. It runs
 * with those, so that the machine's own do not matter; nothing is installed.
 * @returns the command that runs it: a program and its first arguments
 * @throws GuestImageError where it cannot be had
 */
export async function ensureQemu(options: MakeOptions = {}): Promise<string[]> {
  if (process.arch !== "x64") throw new GuestImageError(`QEMU is fetched for x64 alone, this is ${process.arch}`);
  const folder = await ensureMade({ name: "qemu", version: "1", find, make }, options);
  const loader = join(folder, LOADER);
  await chmod(loader, 0o755);
  return [loader, "--library-path", folder, join(folder, PROGRAM), "-L", folder];
}

async function find(folder: string, onStep: (step: ImageStep) => void, signal?: AbortSignal): Promise<FoundPackages> {
  const apt = await AptState.create(folder, "amd64", signal);
  const complaints = await apt.update(withRelease(await machineSources(), RELEASE), percentOf("lists", onStep));
  const packages = await apt.candidates([PACKAGE]);
  if (packages.length === 0) throw new GuestImageError(`no ${PACKAGE} of ${RELEASE} can be had: ${complaints}`);
  const fetch = async (): Promise<void> => {
    const files = await apt.downloadClosure(PACKAGE, percentOf("download", onStep));
    for (const [i, file] of files.entries()) {
      onStep({ phase: "unpack", done: i, total: files.length });
      await unpackDeb(file, folder, [`usr/bin/${PROGRAM}`, `${LIBRARIES}/*.so*`, ...FIRMWARE], signal);
    }
  };
  return { packages, fetch };
}

async function make(unpacked: string): Promise<Map<string, Uint8Array>> {
  const libraries = join(unpacked, LIBRARIES);
  const loader = join(libraries, LOADER);
  const program = join(unpacked, "usr/bin", PROGRAM);
  // The loader's own word on what it would load: "libz.so.1 => /path/libz.so.1 (0x…)".
  const list = await mustRun(loader, ["--library-path", libraries, "--list", program]);
  const needed = [...list.toString().matchAll(/=> (\S+)/g)].map((match) => match[1] ?? "");
  const files = [program, loader, ...needed, ...FIRMWARE.map((file) => join(unpacked, file))];
  return new Map(await Promise.all(files.map(async (file) => [basename(file), await readFile(file)] as const)));
}
