import { resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { extractSnippets } from "../src/snippets/extract.ts";
import { findSnippets } from "../src/snippets/find.ts";
import { makeSnippetProject } from "../src/snippets/project.ts";
import { compileAll, packagesWithoutExample } from "../src/steps/snippets.ts";
import { fixtureTree, fixtureWorkspace } from "./support/fixture-tree.ts";

const FENCE = "```";

/** A document with one block. */
function document(mark: string, code: string): string {
  return `# Title\n\n${FENCE}${mark}\n${code}\n${FENCE}\n`;
}

describe("finding examples", () => {
  test("a block of a document, with the line it stands on", () => {
    expect(extractSnippets("README.md", document("ts", "const a = 1;\nconst b = a;"))).toEqual([
      { file: "README.md", line: 4, code: "const a = 1;\nconst b = a;", run: false },
    ]);
  });

  test("a block that runs, with what it prints", () => {
    const text = `${document("ts run", "console.log(1);")}prints\n\n${FENCE}text\n1\n${FENCE}\n`;
    expect(extractSnippets("README.md", text)).toEqual([
      { file: "README.md", line: 4, code: "console.log(1);", run: true, prints: "1" },
    ]);
  });

  test("a block in a list loses the list's indentation", () => {
    const text = `- so:\n\n  ${FENCE}ts\n  if (a) {\n    b();\n  }\n  ${FENCE}\n`;
    expect(extractSnippets("README.md", text)[0]?.code).toBe("if (a) {\n  b();\n}");
  });

  test("a block in the comment of a source", () => {
    const text = `/**\n * Title.\n *\n * ${FENCE}ts\n * const a = 1;\n *\n * a;\n * ${FENCE}\n */\nexport const b = 1;\n`;
    expect(extractSnippets("src/index.ts", text)).toEqual([
      { file: "src/index.ts", line: 5, code: "const a = 1;\n\na;", run: false },
    ]);
  });

  test("text, shell and unmarked blocks are left alone", () => {
    for (const mark of ["text", "sh", ""]) expect(extractSnippets("README.md", document(mark, "a b"))).toEqual([]);
  });

  test("another mark for the same language is refused: it would not be compiled", () => {
    expect(() => extractSnippets("README.md", document("js", "a();"))).toThrow("README.md:3");
  });

  test("a block without an end is refused", () => {
    expect(() => extractSnippets("README.md", `${FENCE}ts\nconst a = 1;\n`)).toThrow(
      "README.md:1: the block never ends",
    );
  });
});

describe("packages and their examples", () => {
  test("a package whose README shows none is named, and so is one without a README", () => {
    const index = { "src/index.ts": "export {};\n" };
    const root = fixtureWorkspace({
      vm: { files: { ...index, "README.md": document("ts", "export {};") } },
      pci: { files: { ...index, "README.md": document("text", "no example") } },
      ioport: { files: index },
    });
    expect(packagesWithoutExample(root).map((line) => line.split(" ")[0])).toEqual([
      "packages/ioport/README.md",
      "packages/pci/README.md",
    ]);
  });
});

describe("compiling examples", () => {
  test("an example that compiles passes, and finds the packages by name", async () => {
    const root = fixtureWorkspace({
      vm: {
        files: {
          "src/index.ts": "export const answer: number = 42;\n",
          "README.md": document("ts", 'import { answer } from "@vmmkit/vm";\nconst unused: number = answer;'),
        },
      },
    });
    expect(await compileAll(root)).toEqual([]);
  });

  test("an example that does not compile fails, with its place in the document", async () => {
    const root = fixtureTree({ "README.md": document("ts", "const a = 1;\nconst b: string = a;") });
    expect(await compileAll(root)).toEqual([
      "README.md(5,7): error TS2322: Type 'number' is not assignable to type 'string'.",
    ]);
  });

  test("an example that names what a package does not have fails", async () => {
    const root = fixtureWorkspace({
      vm: {
        files: {
          "src/index.ts": `${["/**", ` * ${FENCE}ts`, ' * import { b } from "@vmmkit/vm";', ` * ${FENCE}`, " */"].join("\n")}\nexport const a: number = 1;\n`,
        },
      },
    });
    expect((await compileAll(root)).join()).toContain("packages/vm/src/index.ts(3,10): error TS2305");
  });
});

describe("running examples", () => {
  const root = resolve(import.meta.dirname, "../../..");
  const found = findSnippets(root).filter((snippet) => snippet.run);
  const project = makeSnippetProject(root, found);
  afterAll(() => project.remove());

  test("the README has one that runs", () => {
    expect(found.map(({ file }) => file)).toContain("README.md");
  });

  for (const snippet of found) {
    test(`${snippet.file}, line ${snippet.line}, prints what the document says`, async () => {
      const { code, output } = await project.run(snippet);
      expect({ code, output }).toEqual({ code: 0, output: snippet.prints });
    });
  }
});
