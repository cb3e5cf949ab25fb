import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The parts of a package.json that the checks look at. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** A package of the workspace. */
export interface WorkspacePackage {
  /** The name of its folder: `virtio-net`. */
  readonly folder: string;
  /** Its path from the repository's root, with slashes: `packages/virtio-net`. */
  readonly path: string;
  readonly kind: "package" | "app";
  readonly manifest: Manifest;
}

/** Every package below `packages/` and `apps/`, by path. */
export function readWorkspace(root: string): WorkspacePackage[] {
  return [...readFolder(root, "packages", "package"), ...readFolder(root, "apps", "app")];
}

function readFolder(root: string, parent: string, kind: "package" | "app"): WorkspacePackage[] {
  if (!existsSync(join(root, parent))) return [];
  const found: WorkspacePackage[] = [];
  for (const folder of readdirSync(join(root, parent)).sort()) {
    const manifestPath = join(root, parent, folder, "package.json");
    if (!existsSync(manifestPath)) continue;
    const manifest = JSON.parse(readFileSync(manifestPath, "utf8")) as Manifest;
    found.push({ folder, path: `${parent}/${folder}`, kind, manifest });
  }
  return found;
}
