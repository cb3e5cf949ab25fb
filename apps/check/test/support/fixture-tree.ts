import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Writes files into a new folder, which goes away with the test. Answers the folder's path. */
export function fixtureTree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "vmmkit-check-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** A package of a fixture: its dependencies, and its sources by path from the package's folder. */
export interface FixturePackage {
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly files: Readonly<Record<string, string>>;
}

/** A workspace of packages that find each other by name, as an installed one does. Answers its path. */
export function fixtureWorkspace(packages: Readonly<Record<string, FixturePackage>>): string {
  const files: Record<string, string> = { "package.json": '{ "private": true, "type": "module" }' };
  for (const [folder, { manifest, files: sources }] of Object.entries(packages)) {
    const full = {
      name: `@vmmkit/${folder}`,
      version: "0.0.0",
      type: "module",
      exports: { ".": "./src/index.ts" },
      ...manifest,
    };
    files[`packages/${folder}/package.json`] = JSON.stringify(full);
    for (const [path, text] of Object.entries(sources)) files[`packages/${folder}/${path}`] = text;
  }
  const root = fixtureTree(files);
  mkdirSync(join(root, "node_modules/@vmmkit"), { recursive: true });
  for (const folder of Object.keys(packages)) {
    symlinkSync(join(root, "packages", folder), join(root, "node_modules/@vmmkit", folder));
  }
  return root;
}
