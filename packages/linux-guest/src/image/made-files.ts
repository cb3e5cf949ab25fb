import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { defaultCacheFolder, publish, readManifest } from "./cache.ts";
import type { ImageStep, PackageFinder } from "./debian-packages.ts";
import { withLock } from "./file-lock.ts";
import { withTemporaryFolder } from "./temporary-folder.ts";

/** Where made files are kept and who hears of their making. */
export interface MakeOptions {
  /** Where they are kept. Default: the folder `vmmkit` in the user's cache folder. */
  readonly cacheFolder?: string;
  /** Ask the archive whether there are newer packages than those that were used. Default: take what is there. */
  readonly refresh?: boolean;
  /** Told of each step while they are made. Not called where they are there. */
  readonly onProgress?: (step: ImageStep) => void;
  /** Stops the making. */
  readonly signal?: AbortSignal;
}

/** How files are made out of Debian packages. */
export interface Recipe {
  /** Name of their folder in the cache. */
  readonly name: string;
  /** Changes with everything that they depend on besides the packages' versions. */
  readonly version: string;
  /** Finds the packages that they are made of. */
  readonly find: PackageFinder;
  /** Makes the files, by their names, from a folder that the packages were unpacked into. */
  make(unpacked: string, onStep: (step: ImageStep) => void): Promise<Map<string, Uint8Array>>;
}

/**
 * Finds the files of a recipe in the cache, or makes them. Several processes may ask at once; one makes them and the
 * others wait.
 * @returns their folder
 * @throws GuestImageError where they cannot be made
 */
export async function ensureMade(recipe: Recipe, options: MakeOptions): Promise<string> {
  const folder = join(options.cacheFolder ?? defaultCacheFolder(), recipe.name);
  if (options.refresh === true || (await readManifest(folder, recipe.version)) === null) {
    await withLock(`${folder}.lock`, options.signal, () => renew(folder, recipe, options));
  }
  return folder;
}

/** Makes the files unless somebody else just did, or they are of the newest packages already. */
async function renew(folder: string, recipe: Recipe, options: MakeOptions): Promise<void> {
  const kept = await readManifest(folder, recipe.version);
  if (kept !== null && options.refresh !== true) return;
  const onStep = options.onProgress ?? (() => {});
  await withTemporaryFolder(async (work) => {
    const { packages, fetch } = await recipe.find(work, onStep, options.signal);
    const facts = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    if (kept !== null && isDeepStrictEqual(kept.facts, facts)) return;
    await fetch();
    await publish(folder, recipe.version, await recipe.make(work, onStep), facts);
  });
}
