/** What stands behind the name of a test that may be skipped: the reason, where there is one. */
export function because(reason: string | null): string {
  return reason === null ? "" : ` (skipped: ${reason})`;
}
