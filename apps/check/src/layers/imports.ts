import { existsSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import type { WorkspacePackage } from "../workspace.ts";
import { type LayerRule, NARROWER, ruleFor } from "./table.ts";

/** Looks at every import below `packages/` and `apps/` and names those that the layers forbid. */
export async function findForbiddenImports(root: string, workspace: readonly WorkspacePackage[]): Promise<string[]> {
  const folders = ["packages", "apps"].filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(
    folders,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: forbiddenImports(workspace) },
      doNotFollow: { path: "node_modules" },
      exclude: { path: "(^|/)(dist|\\.turbo|\\.cache|\\.snippets)/" },
      tsPreCompilationDeps: true,
    },
    { bustTheCache: true, exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  );
  const { violations } = (output as ICruiseResult).summary;
  return violations.map(({ from, to, rule }) => `${from} imports ${to} (${rule.name})`).sort();
}

function forbiddenImports(workspace: readonly WorkspacePackage[]): IForbiddenRuleType[] {
  const packages = workspace.filter(({ kind }) => kind === "package").map(({ folder }) => folder);
  return [...GENERAL, ...packages.flatMap(layerRules), ...NARROWER.map(narrowRule)];
}

/** Dependency-cruiser's names for whatever comes from npm. */
const FROM_NPM = ["npm", "npm-dev", "npm-peer", "npm-optional", "npm-no-pkg", "npm-unknown", "npm-bundled"] as const;

/** Rules that hold in every package. */
const GENERAL: readonly IForbiddenRuleType[] = [
  { name: "cannot be found", severity: "error", from: {}, to: { couldNotResolve: true } },
  {
    name: "a cycle",
    severity: "error",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "another package is imported by its name, not by a path",
    severity: "error",
    from: { path: "^(packages|apps)/([^/]+)/" },
    to: { path: "^(packages|apps)/", pathNot: "^$1/$2/", dependencyTypes: ["local"] },
  },
  {
    name: "nothing imports an app",
    severity: "error",
    from: { path: "^packages/" },
    to: { path: "^apps/" },
  },
  {
    name: "sources do not import tests",
    severity: "error",
    from: { path: "^(packages|apps)/[^/]+/src/" },
    to: { path: "^(packages|apps)/[^/]+/test/" },
  },
];

function layerRules(folder: string): IForbiddenRuleType[] {
  const rule = ruleFor(folder);
  const from = { path: `^packages/${folder}/src/` };
  const rules: IForbiddenRuleType[] = [
    {
      name: `${folder} may import ${listed(rule?.may ?? [])}`,
      severity: "error",
      from,
      to: { path: "^packages/", pathNot: [folder, ...(rule?.may ?? [])].map((name) => `^packages/${name}/`) },
    },
  ];
  if (rule?.core) rules.push(...coreRules(rule, folder, from));
  return rules;
}

function coreRules(rule: LayerRule, folder: string, from: { path: string }): IForbiddenRuleType[] {
  const peers = (rule.peers ?? []).map((name) => `node_modules/${name}/`);
  const npm = { dependencyTypes: [...FROM_NPM] };
  return [
    { name: `${folder} uses no Node API`, severity: "error", from, to: { dependencyTypes: ["core"] } },
    {
      name: `${folder} uses no npm package`,
      severity: "error",
      from,
      to: { ...npm, pathNot: ["^packages/", ...peers] },
    },
    ...peers.map((path): IForbiddenRuleType => {
      const to = { ...npm, path, dependencyTypesNot: ["type-only" as const] };
      return { name: `${folder} sees only the types of its peer`, severity: "error", from, to };
    }),
  ];
}

function narrowRule({ path, may, own }: (typeof NARROWER)[number]): IForbiddenRuleType {
  const allowed = [...may.map((name) => `^packages/${name}/`), ...own.map((name) => `^packages/${name}(/|$)`)];
  return {
    name: `${path} may import ${listed(may)}, and of its own package ${listed(own)}`,
    severity: "error",
    from: { path: `^packages/${path}/` },
    to: { path: "^packages/", pathNot: allowed },
  };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "nothing of ours" : `only ${names.join(", ")}`;
}
