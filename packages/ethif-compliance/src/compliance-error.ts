/** A backend broke the contract. The message says how. */
export class ComplianceError extends Error {
  override readonly name = "ComplianceError";
}

/** @throws ComplianceError with this message where the condition does not hold */
export function expectThat(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ComplianceError(message);
}
