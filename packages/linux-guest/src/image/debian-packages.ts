import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { GuestImageError } from "../errors.ts";
import { type AptSource, withRelease } from "./apt-sources.ts";
import { type AptPackage, AptState, machineSources } from "./apt-state.ts";
import { unpackDeb } from "./deb.ts";

/** Where the making of an image is. `done` of `total`, in percent where something is counted, else 0 or 1 of 1. */
export interface ImageStep {
  readonly phase: "lists" | "download" | "unpack" | "kernel" | "initramfs";
  readonly done: number;
  readonly total: number;
}

/** A package to fetch: the first of the names that the archive has, and which of its files are wanted. */
export interface WantedPackage {
  readonly names: readonly string[];
  /** Paths without a leading slash; `*` does not match a slash. */
  readonly files: readonly string[];
}

/** Debian's name for the kind of processor that v86 is. */
const ARCHITECTURE = "i386";
/** The last release of Debian with a kernel for it. */
const LAST_RELEASE_WITH_KERNEL = "bookworm";

const OPTIONS_HINT =
  "pass the options kernel, initrd, bios and vgaBios (--kernel, --initrd, --bios, --vga-bios) with files " +
  "that were made on a Debian machine";

/** Packages that were found in the archive and can be fetched. */
export interface FoundPackages {
  /** In the order in which they were wanted. */
  readonly packages: readonly AptPackage[];
  /** Downloads them and unpacks the wanted files of all of them into the folder. */
  fetch(): Promise<void>;
}

/** Looks for packages. The folder is an empty one that the caller removes afterwards. */
export type PackageFinder = (
  folder: string,
  onStep: (step: ImageStep) => void,
  signal?: AbortSignal,
) => Promise<FoundPackages>;

/**
 * Looks for Debian packages for i386 in the archives that this machine's apt knows.
 * @param folder an empty folder that the caller removes afterwards
 * @throws GuestImageError where apt is missing or the archives do not have the packages
 */
export async function findDebianPackages(
  wanted: readonly WantedPackage[],
  folder: string,
  onStep: (step: ImageStep) => void,
  signal?: AbortSignal,
): Promise<FoundPackages> {
  const sources = await machineSources().catch((error) => {
    throw new GuestImageError(`no guest image can be made here: ${error.message}; ${OPTIONS_HINT}`, { cause: error });
  });
  const apt = await AptState.create(folder, ARCHITECTURE, signal);
  const packages = await findPackages(apt, sources, wanted, onStep);
  const fetch = async (): Promise<void> => {
    const files = await apt.download(packages, percentOf("download", onStep));
    for (const [i, { name }] of packages.entries()) {
      onStep({ phase: "unpack", done: i, total: packages.length });
      await unpackDeb(files.get(name) ?? "", folder, wanted[i]?.files ?? [], signal);
    }
  };
  return { packages, fetch };
}

/** Asks the machine's own release first, then the last one that had a kernel for this kind of processor. */
async function findPackages(
  apt: AptState,
  sources: readonly AptSource[],
  wanted: readonly WantedPackage[],
  onStep: (step: ImageStep) => void,
): Promise<AptPackage[]> {
  let complaints = "";
  for (const attempt of [sources, withRelease(sources, LAST_RELEASE_WITH_KERNEL)]) {
    complaints = await apt.update(attempt, percentOf("lists", onStep));
    const known = await apt.candidates(wanted.flatMap(({ names }) => names));
    const found = wanted.flatMap(({ names }) => firstKnown(names, known) ?? []);
    if (found.length === wanted.length) return resolveKernels(apt, found);
  }
  const names = wanted.map((one) => one.names.join(" or ")).join(", ");
  const reason = complaints === "" ? "" : ` (apt: ${complaints})`;
  throw new GuestImageError(`the apt sources of this machine do not have ${names}${reason}; ${OPTIONS_HINT}`);
}

/** Reports the start of a phase at once, and its fractions as percent that only grow. */
export function percentOf(phase: ImageStep["phase"], onStep: (step: ImageStep) => void): (fraction: number) => void {
  let last = -1;
  const report = (fraction: number): void => {
    const done = Math.round(fraction * 100);
    if (done > last) onStep({ phase, done, total: 100 });
    last = Math.max(last, done);
  };
  report(0);
  return report;
}

function firstKnown(names: readonly string[], known: readonly AptPackage[]): AptPackage | undefined {
  return names.map((name) => known.find((one) => one.name === name)).find((one) => one !== undefined);
}

/** `linux-image-686` is empty and depends on the package that holds the kernel of the day. */
async function resolveKernels(apt: AptState, packages: readonly AptPackage[]): Promise<AptPackage[]> {
  const resolved: AptPackage[] = [];
  for (const one of packages) {
    const target = /^linux-image-\S+/.exec(one.depends)?.[0];
    const [real] = one.name.startsWith("linux-image") && target !== undefined ? await apt.candidates([target]) : [one];
    if (real === undefined) throw new GuestImageError(`${one.name} needs ${target}, which the archive does not have`);
    resolved.push(real);
  }
  return resolved;
}

/**
 * Reads a file that `FoundPackages.fetch` unpacked.
 * @param pattern its path below `folder`; a `*` in its last part stands for anything
 * @throws GuestImageError where there is none
 */
export async function readUnpacked(folder: string, pattern: string): Promise<Buffer> {
  const slash = pattern.lastIndexOf("/");
  const name = new RegExp(
    `^${pattern
      .slice(slash + 1)
      .replaceAll(".", "\\.")
      .replace("*", ".*")}$`,
  );
  const parent = join(folder, pattern.slice(0, slash));
  const file = (await readdir(parent).catch(() => [])).find((one) => name.test(one));
  if (file === undefined) throw new GuestImageError(`Debian's packages here hold no ${pattern}`);
  return readFile(join(parent, file));
}
