import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readWorkspace } from "../workspace.ts";
import { extractSnippets, type Snippet } from "./extract.ts";

/** Every TypeScript block of the repository's documents and of the comments of the packages' sources. */
export function findSnippets(root: string): Snippet[] {
  const packages = readWorkspace(root).filter(({ kind }) => kind === "package");
  const files = [
    ...filesBelow(root, "", ".md", false),
    ...filesBelow(root, "docs", ".md", true),
    ...packages.flatMap(({ path }) => filesBelow(root, path, ".md", false)),
    ...packages.flatMap(({ path }) => filesBelow(root, `${path}/src`, ".ts", true)),
  ];
  return files.flatMap((file) => extractSnippets(file, readFileSync(join(root, file), "utf8")));
}

function filesBelow(root: string, folder: string, ending: string, deep: boolean): string[] {
  let found: string[];
  try {
    found = readdirSync(join(root, folder), { recursive: deep, encoding: "utf8" });
  } catch {
    return [];
  }
  return found
    .filter((path) => path.endsWith(ending))
    .map((path) => (folder === "" ? path : `${folder}/${path.replaceAll("\\", "/")}`))
    .sort();
}
