/** A link to a test: its title, and the file that it stands in. */
interface Proof {
  readonly title: string;
  /** From the repository's root. */
  readonly file: string;
}

/** A statement of the specification, as a row of the table has it. */
export interface Statement {
  /** Line in the document, from 1 on. */
  readonly line: number;
  /** The section, as `2.7.5.3.2`. */
  readonly section: string;
  /** MUST, MUST NOT, SHOULD, SHOULD NOT. */
  readonly level: string;
  /** The tests that prove it. Empty where it does not apply, or is open. */
  readonly proofs: readonly Proof[];
  /** Why it does not apply, or what is open about it; null where tests prove it. */
  readonly reason: string | null;
}

const ROW = /^\|(?<section>[^|]*)\|(?<level>[^|]*)\|(?<text>[^|]*)\|(?<proof>[^|]*)\|\s*$/;
const LINK = /\[(?<title>[^\]]+)\]\(\.\.\/(?<file>[^)]+)\)/g;
const SECTION = /^\d+(\.\d+)+$/;
const WITHOUT_PROOF = /^(Does not apply|Open): (?<reason>.+)$/;

/** Reads the statements out of the tables of `docs/spec-coverage.md`. Rows of other tables are left alone. */
export function readStatements(text: string): Statement[] {
  return text.split("\n").flatMap((row, index) => {
    const cells = ROW.exec(row)?.groups;
    const section = cells?.["section"]?.trim() ?? "";
    if (cells === undefined || !SECTION.test(section)) return [];
    const proof = cells["proof"]?.trim() ?? "";
    const proofs = [...proof.matchAll(LINK)].map(({ groups }) => ({
      title: groups?.["title"] ?? "",
      file: groups?.["file"] ?? "",
    }));
    const reason = WITHOUT_PROOF.exec(proof)?.groups?.["reason"] ?? null;
    return [{ line: index + 1, section, level: cells["level"]?.trim() ?? "", proofs, reason }];
  });
}
