import { DefaultReporter, type TestModule, type TestRunEndReason } from "vitest/node";
import { type Counts, formatCounts } from "./count-line.ts";

type UnhandledErrors = Parameters<DefaultReporter["onTestRunEnd"]>[1];

/** Vitest's own report, and then one last line with nothing but the counts, for people and scripts alike. */
export default class CountReporter extends DefaultReporter {
  override onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: UnhandledErrors,
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, unhandledErrors, reason);
    this.log(formatCounts(countTests(modules, unhandledErrors.length)));
  }
}

/**
 * Counts tests. What fails outside of a test (a file that does not load, a hook, an error that nobody caught) counts
 * as one failed test, so that a run with failures never reads `0 failed`.
 */
export function countTests(modules: readonly TestModule[], unhandledErrors: number): Counts {
  let passed = 0;
  let failed = unhandledErrors;
  let skipped = 0;
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed++;
      else if (state === "skipped") skipped++;
      else failed++;
    }
  }
  return { passed, failed, skipped };
}
