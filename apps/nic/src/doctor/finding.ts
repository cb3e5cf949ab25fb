/** Something that a machine can do, or cannot. */
export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found; where it is not there, what to do. */
  readonly detail: string;
}

/** Findings as lines of three columns. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  return findings.map(({ what, ok, detail }) => `${what.padEnd(width)}  ${ok ? "yes" : "no "}  ${detail}\n`).join("");
}
