import { findSnippets } from "../snippets/find.ts";
import { makeSnippetProject } from "../snippets/project.ts";
import type { Step } from "../step.ts";
import { readWorkspace } from "../workspace.ts";

/** The examples in the documents, compiled as a reader would who copies them. */
export const snippets: Step = {
  name: "snippets",
  about: "every package shows an example, and all examples compile",
  async run({ root }) {
    const problems = [...packagesWithoutExample(root), ...(await compileAll(root))];
    const count = findSnippets(root).length;
    return { ok: problems.length === 0, summary: `${count} examples`, report: problems.join("\n") };
  },
};

/** Packages whose README shows no example, or that have none, a line each. */
export function packagesWithoutExample(root: string): string[] {
  const documents = new Set(findSnippets(root).map(({ file }) => file));
  return readWorkspace(root)
    .filter(({ kind, path }) => kind === "package" && !documents.has(`${path}/README.md`))
    .map(({ path }) => `${path}/README.md shows no example: a block marked "ts"`);
}

/** Compiles every example in the documents below `root`. Answers what is wrong, a line each. */
export async function compileAll(root: string): Promise<string[]> {
  const project = makeSnippetProject(root, findSnippets(root));
  try {
    return await project.compile();
  } finally {
    project.remove();
  }
}
