import { expect, test } from "vitest";
import { unreferencedProjects } from "../src/steps/types.ts";
import { fixtureTree } from "./support/fixture-tree.ts";

test("a project that the top tsconfig.json does not refer to would go unchecked, and is named", () => {
  const root = fixtureTree({
    "tsconfig.json": '{ "files": [], "references": [{ "path": "packages/vm" }, { "path": "packages/vm/test" }] }',
    "packages/vm/package.json": '{ "name": "@vmmkit/vm" }',
    "packages/vm/tsconfig.json": "{}",
    "packages/vm/test/tsconfig.json": "{}",
    "packages/pci/package.json": '{ "name": "@vmmkit/pci" }',
    "packages/pci/tsconfig.json": "{}",
    "packages/pci/test/tsconfig.json": "{}",
    "apps/demo/package.json": '{ "name": "@vmmkit/demo" }',
    "apps/demo/tsconfig.json": "{}",
  });
  expect(unreferencedProjects(root)).toEqual(["packages/pci", "packages/pci/test", "apps/demo"]);
});
