import { defineProject } from "vitest/config";

// These tests run compilers and test runners, which take their time on a busy machine.
export default defineProject({
  test: { testTimeout: 120_000, hookTimeout: 120_000 },
});
