import type { Manifest, WorkspacePackage } from "../workspace.ts";
import { type LayerRule, ruleFor } from "./table.ts";

const SCOPE = "@vmmkit/";

/** Looks at every package.json and names the dependencies that the layers forbid. */
export function findForbiddenDependencies(workspace: readonly WorkspacePackage[]): string[] {
  return workspace.flatMap((item) => [
    ...(item.kind === "package" ? packageProblems(item, workspace) : []),
    ...versionProblems(item),
  ]);
}

function packageProblems({ folder, path, manifest }: WorkspacePackage, all: readonly WorkspacePackage[]): string[] {
  const rule = ruleFor(folder);
  if (rule === undefined) return [`${path} has no place among the layers (apps/check/src/layers/table.ts)`];
  const problems: string[] = [];
  if (manifest.name !== SCOPE + folder) problems.push(`${path} is called ${manifest.name}, not ${SCOPE}${folder}`);
  if (rule.dev && !manifest.private) problems.push(`${path} serves tests alone and must be private`);
  for (const name of runtimeDependencies(manifest)) {
    if (!name.startsWith(SCOPE)) {
      if (rule.core && !isPeer(name, rule, manifest))
        problems.push(`${path} depends on ${name}; it uses no npm package`);
    } else if (!rule.may.includes(name.slice(SCOPE.length))) {
      problems.push(`${path} depends on ${name}; it may depend on ${rule.may.join(", ") || "nothing of ours"}`);
    }
  }
  for (const name of Object.keys(manifest.devDependencies ?? {})) {
    const isApp = all.some((other) => other.kind === "app" && other.manifest.name === name);
    if (isApp) problems.push(`${path} depends on ${name}; nothing depends on an app`);
  }
  return problems;
}

function isPeer(name: string, rule: LayerRule, manifest: Manifest): boolean {
  return (rule.peers ?? []).includes(name) && manifest.dependencies?.[name] === undefined;
}

/** What an installed package brings along: its dependencies of every kind but the ones for development. */
function runtimeDependencies(manifest: Manifest): string[] {
  return [
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
    ...Object.keys(manifest.optionalDependencies ?? {}),
  ];
}

/** Versions are named once for the whole workspace, so that they cannot drift apart. */
function versionProblems({ path, manifest }: WorkspacePackage): string[] {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  return Object.entries(all)
    .filter(([name, version]) => version !== (name.startsWith(SCOPE) ? "workspace:*" : "catalog:"))
    .map(([name, version]) => {
      const wanted = name.startsWith(SCOPE) ? "workspace:*" : "catalog:";
      return `${path} asks for ${name} ${version}; write "${wanted}"`;
    });
}
