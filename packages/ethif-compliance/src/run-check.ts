import { Bench } from "./bench.ts";
import type { Check } from "./check.ts";
import { within } from "./deadline.ts";
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
  const close = (): Promise<void> =>
    within(made.backend.close(), options.deadlineMs ?? 5000, "close did not come to an end");
  try {
    const lacking = check.needs?.(made) ?? null;
    if (lacking === null) await run(check, made, options);
    else onSkip(lacking);
  } catch (error) {
    // What goes wrong while putting away a backend that failed already says nothing new.
    await close().catch(() => {});
    await options.teardown?.(made);
    throw error;
  }
  await close();
  await options.teardown?.(made);
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
