import { defineConfig } from "vitest/config";

// One run for all packages, so that one line counts all tests. Each package is a project of its own name.
export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*"],
    reporters: ["./apps/check/src/reporter.ts"],
  },
});
