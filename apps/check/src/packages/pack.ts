import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runPnpm, runTool } from "../command.ts";
import type { WorkspacePackage } from "../workspace.ts";

/** A package as it would go to the registry. */
export interface Tarball {
  readonly item: WorkspacePackage;
  readonly path: string;
}

/**
 * Builds the packages and packs each into `target`.
 * @throws Error with the output of the tool that failed
 */
export async function packAll(root: string, items: readonly WorkspacePackage[], target: string): Promise<Tarball[]> {
  for (const { path } of items) removeStaleOutputs(join(root, path));
  const filters = items.map(({ manifest }) => `--filter=${manifest.name}`);
  const build = await runTool("turbo", "turbo", ["run", "build", "--output-logs=errors-only", ...filters], {
    cwd: root,
  });
  if (build.code !== 0) throw new Error(build.output);
  const pack = await runPnpm(["--recursive", ...filters, "pack", "--out", join(target, "%s.tgz")], { cwd: root });
  if (pack.code !== 0) throw new Error(pack.output);
  return items.map((item) => ({
    item,
    path: join(target, `${item.manifest.name.replace("@", "").replace("/", "-")}.tgz`),
  }));
}

/** Takes away what the compiler made from sources that are gone. It never does so itself, and it would be published. */
function removeStaleOutputs(folder: string): void {
  const dist = join(folder, "dist");
  if (!existsSync(dist)) return;
  for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const source = path.replace(/\.(js|d\.ts)(\.map)?$/, ".ts");
    if (source !== path && !existsSync(join(folder, "src", source))) rmSync(join(dist, path));
  }
}
