import { Bench } from "./bench.ts";
import type { Check } from "./check.ts";
import type { BackendUnderTest, TestBackendOptions } from "./options.ts";

/**
 * Runs one check against a new backend.
 * @param onSkip told the reason where the backend lacks what the check needs; it does not run then
 * @throws ComplianceError where the backend breaks the contract; whatever the backend throws
 */
export async function runCheck(
  check: Check,
  options: TestBackendOptions,
  onSkip: (reason: string) => void = () => {},
): Promise<void> {
  const made = await options.setup();
  try {
    const lacking = check.needs?.(made) ?? null;
    if (lacking === null) await run(check, made, options);
    else onSkip(lacking);
  } finally {
    await made.backend.close();
    await options.teardown?.(made);
  }
}

async function run(check: Check, made: BackendUnderTest, options: TestBackendOptions): Promise<void> {
  const bench = new Bench(made, options, check.card);
  try {
    await check.run(bench);
  } catch (error) {
    // A breach says more than what followed from it.
    bench.card.verify();
    throw error;
  }
  bench.card.verify();
}
