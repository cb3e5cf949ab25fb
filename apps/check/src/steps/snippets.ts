import { findSnippets } from "../snippets/find.ts";
import { makeSnippetProject } from "../snippets/project.ts";
import type { Step } from "../step.ts";

/** The examples in the documents, compiled as a reader would who copies them. */
export const snippets: Step = {
  name: "snippets",
  about: "the examples in the documents compile",
  async run({ root }) {
    const found = findSnippets(root);
    const problems = await compileAll(root);
    return { ok: problems.length === 0, summary: `${found.length} examples`, report: problems.join("\n") };
  },
};

/** Compiles every example in the documents below `root`. Answers what is wrong, a line each. */
export async function compileAll(root: string): Promise<string[]> {
  const project = makeSnippetProject(root, findSnippets(root));
  try {
    return await project.compile();
  } finally {
    project.remove();
  }
}
