import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../command.ts";
import type { Manifest } from "../workspace.ts";
import type { Tarball } from "./pack.ts";

/**
 * Unpacks tarballs side by side below `target/node_modules`, as an installation without a registry, and imports
 * every entry of every package with plain Node.
 * @returns what went wrong, a line each
 */
export async function importAll(root: string, tarballs: readonly Tarball[], target: string): Promise<string[]> {
  const problems: string[] = [];
  for (const tarball of tarballs) problems.push(...(await unpack(root, tarball, target)));
  for (const { item } of tarballs) {
    for (const name of entryNames(readManifest(join(target, "node_modules", item.manifest.name)))) {
      const script = `await import(${JSON.stringify(name)})`;
      const { code, output } = await runCommand(process.execPath, ["--input-type=module", "-e", script], {
        cwd: target,
      });
      if (code !== 0) problems.push(`import "${name}" fails:\n${output}`);
    }
  }
  return problems;
}

async function unpack(root: string, { item, path }: Tarball, target: string): Promise<string[]> {
  const folder = join(target, "node_modules", item.manifest.name);
  mkdirSync(folder, { recursive: true });
  const args = ["--extract", "--gzip", "--file", path, "--directory", folder, "--strip-components=1"];
  const { code, output } = await runCommand("tar", args, { cwd: root });
  if (code !== 0) return [output];
  const manifest = readManifest(folder);
  linkForeign(join(root, item.path), manifest, target);
  return [...missingFiles(item.path, folder), ...unresolvedVersions(item.path, manifest)];
}

/** Gives the installation what the package has from elsewhere: the copy that the workspace uses. */
function linkForeign(source: string, manifest: Manifest, target: string): void {
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = join(target, "node_modules", name);
    if (name.startsWith("@vmmkit/") || existsSync(link)) continue;
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(join(source, "node_modules", name), link);
  }
}

function missingFiles(path: string, folder: string): string[] {
  return ["LICENSE", "README.md", "dist/index.js", "dist/index.d.ts"]
    .filter((file) => !existsSync(join(folder, file)))
    .map((file) => `${path}: the packed package has no ${file}`);
}

/** Versions that mean something in this workspace alone. */
function unresolvedVersions(path: string, manifest: Manifest): string[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter(([, version]) => /^(workspace|catalog|link|file):/.test(version))
    .map(([name, version]) => `${path}: the packed package asks for ${name} ${version}`);
}

function entryNames(manifest: Manifest): string[] {
  return Object.entries(manifest.exports ?? {})
    .filter(([entry, to]) => to !== null && entry !== "./package.json")
    .map(([entry]) => manifest.name + entry.slice(1));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}
