import type { Statement } from "./statements.ts";

const LEVELS = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"];

/** How a README says how many statements there are, and how many of them tests prove. */
const COUNT = /(?<proven>\d+) of (?<all>\d+) device-normative statements/;

/**
 * Holds the statements against the tests that they name.
 * @param readSource the text of a file of the repository, null where there is none
 * @returns what is wrong, a line each
 */
export function verifyStatements(
  document: string,
  statements: readonly Statement[],
  readSource: (file: string) => string | null,
): string[] {
  return statements.flatMap((statement) => {
    const where = `${document}:${statement.line}: ${statement.section}`;
    const problems: string[] = [];
    if (!LEVELS.includes(statement.level)) problems.push(`${where} has the level "${statement.level}"`);
    if (statement.proofs.length > 0 === (statement.reason !== null)) {
      problems.push(`${where} needs a test, as [title](../file), or "Does not apply: " or "Open: " with the reason`);
    }
    for (const { title, file } of statement.proofs) {
      const source = readSource(file);
      if (source === null) problems.push(`${where} names ${file}, which is not there`);
      else if (!hasTest(source, title)) problems.push(`${where}: ${file} has no test "${title}"`);
    }
    return problems;
  });
}

/** Holds the count that a README gives against the statements. Answers what is wrong with it, or null. */
export function verifyCount(readme: string, statements: readonly Statement[]): string | null {
  const proven = statements.filter(({ proofs }) => proofs.length > 0).length;
  const right = `${proven} of ${statements.length} device-normative statements`;
  const said = COUNT.exec(readme)?.[0];
  if (said === right) return null;
  return `README.md says ${said === undefined ? "nothing" : `"${said}"`} where it should say "${right}"`;
}

/** Whether a test file has a test, or a group of tests, of that title. */
function hasTest(source: string, title: string): boolean {
  const literal = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`\\(\\s*(["'\`])${literal}\\1`).test(source);
}
