/** How many tests of a run passed, failed and were skipped. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The last line of every test run: `12 passed, 0 failed`, with `, 1 skipped` behind it only where there are some. */
export function formatCounts(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

/** Whether `line` is what `formatCounts` writes. */
export function isCountLine(line: string): boolean {
  return /^\d+ passed, \d+ failed(, \d+ skipped)?$/.test(line);
}
