import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readStatements } from "../coverage/statements.ts";
import { verifyCount, verifyStatements } from "../coverage/verify.ts";
import type { Step } from "../step.ts";

const DOCUMENT = "docs/spec-coverage.md";

/** The specification's statements about devices, each with the test that proves it. */
export const coverage: Step = {
  name: "coverage",
  about: "the tests that are named for the specification's statements are there",
  async run({ root }) {
    const { problems, count } = checkCoverage(root);
    return { ok: problems.length === 0, summary: `${count} statements`, report: problems.join("\n") };
  },
};

/** What is wrong with the table of the tree at `root`, a line each, and how many statements it has. */
export function checkCoverage(root: string): { problems: string[]; count: number } {
  const read = (file: string): string | null => {
    const path = join(root, file);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  };
  const text = read(DOCUMENT);
  if (text === null) return { problems: [`${DOCUMENT} is not there`], count: 0 };
  const statements = readStatements(text);
  const count = verifyCount(read("README.md") ?? "", statements);
  return {
    problems: [...verifyStatements(DOCUMENT, statements, read), ...(count === null ? [] : [count])],
    count: statements.length,
  };
}
