import { describe, test } from "vitest";
import { checks } from "./checks/index.ts";
import type { TestBackendOptions } from "./options.ts";
import { runCheck } from "./run-check.ts";

/** How long a test may take in milliseconds. Its own deadlines end it much earlier. */
const TIMEOUT_MS = 60_000;

/**
 * Registers the suite for one backend.
 * @throws RangeError where `skip` names a test that there is not
 */
export function testBackend(options: TestBackendOptions): void {
  const reasons = skipReasons(options);
  describe(options.name, () => {
    for (const check of checks) {
      test(check.name, { timeout: TIMEOUT_MS }, async (context) => {
        const reason = reasons.get(check.name);
        if (reason !== undefined) context.skip(reason);
        await runCheck(check, options, (lacking) => context.skip(lacking));
      });
    }
  });
}

function skipReasons(options: TestBackendOptions): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const { reason, tests } of options.skip ?? []) {
    for (const name of tests) {
      if (!checks.some((check) => check.name === name)) throw new RangeError(`"skip" names no test: "${name}"`);
      reasons.set(name, reason);
    }
  }
  return reasons;
}
