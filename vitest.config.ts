import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";

// One run for all packages, so that one line counts all tests. Each package is a project of its own name.
export default defineConfig({
  test: {
    projects: ["packages", "apps"].flatMap(projectsBelow),
    reporters: ["./apps/check/src/reporter.ts"],
  },
});

function projectsBelow(parent: string): TestProjectConfiguration[] {
  return readdirSync(join(import.meta.dirname, parent))
    .map((folder) => join(import.meta.dirname, parent, folder))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map(project);
}

function project(folder: string): TestProjectConfiguration {
  if (existsSync(join(folder, "vitest.config.ts"))) return folder;
  // No test measures time. A slow or busy machine gets as much as it needs.
  const name = `@vmmkit/${basename(folder)}`;
  return { root: folder, test: { name, testTimeout: 60_000, hookTimeout: 60_000 } };
}
