import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runTool } from "../command.ts";
import { readWorkspace } from "../workspace.ts";
import type { Snippet } from "./extract.ts";

const CHECK = resolve(import.meta.dirname, "../..");

/** A folder in which each snippet is a module that finds every package of the workspace by name. */
export interface SnippetProject {
  /** What the compiler says, a line each, in the documents' own lines. */
  compile(): Promise<string[]>;
  /** Where a snippet's module is. */
  path(snippet: Snippet): string;
  /** Executes one of the snippets. */
  run(snippet: Snippet): Promise<{ code: number; output: string }>;
  /** Removes the folder. */
  remove(): void;
}

/** Writes snippets out as a project of their own. The caller removes it. */
export function makeSnippetProject(root: string, snippets: readonly Snippet[]): SnippetProject {
  // Not below a node_modules folder: nothing there is mapped.
  mkdirSync(join(CHECK, ".snippets"), { recursive: true });
  const folder = mkdtempSync(join(CHECK, ".snippets/run-"));
  const config = join(folder, "tsconfig.json");
  writeFileSync(config, JSON.stringify(compilerConfig(root)));
  const path = (snippet: Snippet): string => join(folder, moduleName(snippet));
  for (const snippet of snippets) {
    // Blank lines in front, so that the compiler counts as the document does; the last line makes it a module.
    writeFileSync(path(snippet), `${"\n".repeat(snippet.line - 1)}${snippet.code}\nexport {};\n`);
  }
  return {
    path,
    async compile() {
      const { code, output } = await runTool("typescript", "tsc", ["-p", config, "--pretty", "false"], { cwd: folder });
      const problems = code === 0 ? [] : inDocuments(output, snippets);
      return code !== 0 && problems.length === 0 ? [output] : problems;
    },
    run: (snippet) => runTool("tsx", "tsx", ["--tsconfig", config, path(snippet)], { cwd: folder }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function compilerConfig(root: string): object {
  return {
    extends: resolve(CHECK, "../../tsconfig.test.json"),
    compilerOptions: {
      incremental: false,
      // An example makes things only to show that they can be made.
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(CHECK, "node_modules/@types")],
      paths: Object.fromEntries(modulePaths(root)),
    },
    include: ["*.ts"],
  };
}

/** Where each name leads: our packages' entries to their sources, what they have from npm to their own copy of it. */
function modulePaths(root: string): [string, string[]][] {
  const packages = readWorkspace(root).filter(({ kind }) => kind === "package");
  const foreign = packages.flatMap(({ path, manifest }) => {
    const names = Object.keys({ ...manifest.devDependencies, ...manifest.dependencies, ...manifest.peerDependencies });
    return names
      .filter((name) => !name.startsWith("@vmmkit/"))
      .map((name): [string, string[]] => [name, [join(root, path, "node_modules", name)]]);
  });
  const ours = packages.flatMap(({ path, manifest }) =>
    Object.entries(manifest.exports ?? {}).flatMap(([entry, to]): [string, string[]][] =>
      typeof to === "string" ? [[manifest.name + entry.slice(1), [join(root, path, to)]]] : [],
    ),
  );
  return [...foreign, ...ours];
}

function moduleName({ file, line }: Snippet): string {
  return `${file.replace(/[/\\]/g, "__")}.L${line}.ts`;
}

/** The compiler's lines about snippets; what it says of the packages' sources is for the types step to say. */
function inDocuments(output: string, snippets: readonly Snippet[]): string[] {
  return output.split("\n").flatMap((line) => {
    const snippet = snippets.find((candidate) => line.startsWith(`${moduleName(candidate)}(`));
    return snippet === undefined ? [] : [snippet.file + line.slice(moduleName(snippet).length)];
  });
}
