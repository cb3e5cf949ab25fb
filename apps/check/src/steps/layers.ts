import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findForbiddenImports } from "../layers/imports.ts";
import { findForbiddenDependencies } from "../layers/manifests.ts";
import { ruleFor } from "../layers/table.ts";
import type { Step } from "../step.ts";
import { readWorkspace, type WorkspacePackage } from "../workspace.ts";

/** The layers of DESIGN.md, held against the imports, the package.json files and the compiler's settings. */
export const layers: Step = {
  name: "layers",
  about: "who may import whom",
  async run({ root }) {
    const problems = await checkLayers(root);
    return { ok: problems.length === 0, report: problems.join("\n") };
  },
};

/** Everything in the tree at `root` that breaks the layers, a line each. */
export async function checkLayers(root: string): Promise<string[]> {
  const workspace = readWorkspace(root);
  return [
    ...findForbiddenDependencies(workspace),
    ...findForbiddenTypes(root, workspace),
    ...(await findForbiddenImports(root, workspace)),
  ];
}

/** A core package inherits `"types": []` and the bare language library, or it could see Node's or a browser's API. */
function findForbiddenTypes(root: string, workspace: readonly WorkspacePackage[]): string[] {
  return workspace
    .filter(({ kind, folder }) => kind === "package" && ruleFor(folder)?.core)
    .map(({ path }) => `${path}/tsconfig.json`)
    .filter(
      (path) => existsSync(join(root, path)) && /"(types|lib|typeRoots)"/.test(readFileSync(join(root, path), "utf8")),
    )
    .map((path) => `${path} sets "types", "lib" or "typeRoots"; a core package takes them from tsconfig.base.json`);
}
