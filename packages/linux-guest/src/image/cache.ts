import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** What lies in a folder of the cache and how it came to be. */
export interface Manifest {
  /** Which version of the maker made it; another one makes anew. */
  readonly recipe: string;
  /** Lengths of the files in bytes, by their names. */
  readonly files: Readonly<Record<string, number>>;
  /** Facts about them for who reads them. */
  readonly facts: Readonly<Record<string, string>>;
}

const MANIFEST = "manifest.json";

/** The folder that vmmkit keeps things in that can be made again: `$XDG_CACHE_HOME/vmmkit` or `~/.cache/vmmkit`. */
export function defaultCacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"];
  // The XDG base directory specification has relative paths ignored.
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "vmmkit");
}

/** Reads what a folder says of itself, or answers null where it is of another recipe, or not whole. */
export async function readManifest(folder: string, recipe: string): Promise<Manifest | null> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch(() => null);
  if (text === null) return null;
  const manifest = parse(text);
  if (manifest === null || manifest.recipe !== recipe) return null;
  for (const [name, bytes] of Object.entries(manifest.files)) {
    const info = await stat(join(folder, name)).catch(() => null);
    if (info?.size !== bytes) return null;
  }
  return manifest;
}

/**
 * Puts files into a folder at once: whoever looks sees the folder as it was before, or whole. What was there goes.
 */
export async function publish(
  folder: string,
  recipe: string,
  files: ReadonlyMap<string, Uint8Array>,
  facts: Readonly<Record<string, string>>,
): Promise<Manifest> {
  const draft = `${folder}.${randomUUID()}`;
  const manifest: Manifest = { recipe, files: {}, facts };
  try {
    await mkdir(draft, { recursive: true });
    for (const [name, bytes] of files) await writeFile(join(draft, name), bytes);
    const sizes = Object.fromEntries([...files].map(([name, bytes]) => [name, bytes.length]));
    const whole = { ...manifest, files: sizes };
    await writeFile(join(draft, MANIFEST), JSON.stringify(whole, null, 2));
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    return whole;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

function parse(text: string): Manifest | null {
  try {
    return JSON.parse(text) as Manifest;
  } catch {
    return null;
  }
}
