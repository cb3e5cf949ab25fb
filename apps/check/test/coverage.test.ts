import { describe, expect, test } from "vitest";
import { readStatements } from "../src/coverage/statements.ts";
import { verifyCount, verifyStatements } from "../src/coverage/verify.ts";
import { checkCoverage } from "../src/steps/coverage.ts";
import { fixtureTree } from "./support/fixture-tree.ts";

const TEST_FILE = "packages/virtio/test/reset.test.ts";
const TEST_SOURCE = 'describe("reset", () => {\n  it(\n    "2.4.1 presents 0 (once)",\n    () => {},\n  );\n});\n';

function row(section: string, level: string, proof: string): string {
  return `| ${section} | ${level} | The device does something. | ${proof} |`;
}

const PROVEN = row("2.4.1", "MUST", `[2.4.1 presents 0 (once)](../${TEST_FILE})`);
const NOT_HERE = row("2.10.2", "MUST NOT", "Does not apply: no shared memory.");

describe("reading the table", () => {
  test("a statement with its tests, and one that does not apply", () => {
    const text = `# Title\n\n| § | Level | Statement | Proof |\n|---|---|---|---|\n${PROVEN}\n${NOT_HERE}\n`;
    expect(readStatements(text)).toEqual([
      {
        line: 5,
        section: "2.4.1",
        level: "MUST",
        proofs: [{ title: "2.4.1 presents 0 (once)", file: TEST_FILE }],
        reason: null,
      },
      { line: 6, section: "2.10.2", level: "MUST NOT", proofs: [], reason: "no shared memory." },
    ]);
  });

  test("a statement that is open says so", () => {
    const [statement] = readStatements(row("2.1", "MUST", "Open: no test."));
    expect(statement).toMatchObject({ proofs: [], reason: "no test." });
  });

  test("several tests for one statement", () => {
    const [statement] = readStatements(row("2.1", "MUST", "[one](../a.test.ts), [two](../b.test.ts)"));
    expect(statement?.proofs.map(({ title }) => title)).toEqual(["one", "two"]);
  });

  test("tables of something else are left alone", () => {
    expect(readStatements("| a | b | c | d |\n|---|---|---|---|\n| 2 | MUST | x | y |\n")).toEqual([]);
  });
});

describe("holding it against the tests", () => {
  const verify = (text: string): string[] =>
    verifyStatements("table.md", readStatements(text), (file) => (file === TEST_FILE ? TEST_SOURCE : null));

  test("tests that are there, and reasons, are right", () => {
    expect(verify(`${PROVEN}\n${NOT_HERE}`)).toEqual([]);
  });

  test("a test that is not there, or not of that title, is named", () => {
    expect(verify(row("2.4.1", "MUST", "[x](../y.test.ts)"))).toEqual([
      "table.md:1: 2.4.1 names y.test.ts, which is not there",
    ]);
    expect(verify(row("2.4.1", "MUST", `[2.4.1 presents 0](../${TEST_FILE})`))).toEqual([
      `table.md:1: 2.4.1: ${TEST_FILE} has no test "2.4.1 presents 0"`,
    ]);
  });

  test("a statement with neither test nor reason, and a level that there is not, are named", () => {
    expect(verify(row("2.4.1", "MAY", "some day"))).toEqual([
      'table.md:1: 2.4.1 has the level "MAY"',
      'table.md:1: 2.4.1 needs a test, as [title](../file), or "Does not apply: " or "Open: " with the reason',
    ]);
  });

  test("the README's count is that of the table", () => {
    const statements = readStatements(`${PROVEN}\n${NOT_HERE}`);
    expect(verifyCount("has tests for 1 of 2 device-normative statements, …", statements)).toBeNull();
    expect(verifyCount("2 of 2 device-normative statements", statements)).toContain('should say "1 of 2');
    expect(verifyCount("", statements)).toContain("says nothing");
  });
});

describe("the step", () => {
  test("a tree without the table fails", () => {
    expect(checkCoverage(fixtureTree({})).problems).toEqual(["docs/spec-coverage.md is not there"]);
  });

  test("a tree whose table, tests and README agree passes", () => {
    const files = {
      "docs/spec-coverage.md": `${PROVEN}\n${NOT_HERE}\n`,
      "README.md": "1 of 2 device-normative statements",
      [TEST_FILE]: TEST_SOURCE,
    };
    expect(checkCoverage(fixtureTree(files))).toEqual({ problems: [], count: 2 });
  });
});
