import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runSteps } from "../src/run-steps.ts";
import { checkLayers, layers } from "../src/steps/layers.ts";
import { type FixturePackage, fixtureWorkspace } from "./support/fixture-tree.ts";

const vm: FixturePackage = { files: { "src/index.ts": "export const vm = 1;\n" } };
const ethif: FixturePackage = { files: { "src/index.ts": "export const ethif = 1;\n" } };

/** A package with one source. */
function source(text: string, manifest: FixturePackage["manifest"] = {}): FixturePackage {
  return { manifest, files: { "src/index.ts": text } };
}

describe("layers, by imports", () => {
  test("an import downwards passes", async () => {
    const root = fixtureWorkspace({
      vm,
      pci: source('export { vm } from "@vmmkit/vm";\n', { dependencies: { "@vmmkit/vm": "workspace:*" } }),
    });
    expect(await checkLayers(root)).toEqual([]);
  });

  test("an import upwards fails, and the gate ends with a code that is not 0", async () => {
    const root = fixtureWorkspace({
      vm: source('export { pci } from "@vmmkit/pci";\n'),
      pci: source("export const pci = 1;\n"),
    });
    expect(await checkLayers(root)).toEqual([
      "packages/vm/src/index.ts imports packages/pci/src/index.ts (vm may import nothing of ours)",
    ]);
    const lines: string[] = [];
    expect(await runSteps([layers], { root, print: (line) => lines.push(line) })).toBe(1);
    expect(lines.join("\n")).toContain("vm may import nothing of ours");
  });

  test("an import of types alone is an import", async () => {
    const root = fixtureWorkspace({
      vm: source('import type { Pci } from "@vmmkit/pci";\nexport type A = Pci;\n'),
      pci: source("export interface Pci { a: 1 }\n"),
    });
    expect(await checkLayers(root)).toHaveLength(1);
  });

  test("an import sideways fails", async () => {
    const root = fixtureWorkspace({
      ethif,
      "backend-loopback": source("export const loopback = 1;\n"),
      "backend-tap": source('export { loopback } from "@vmmkit/backend-loopback";\n'),
    });
    expect((await checkLayers(root)).join()).toContain("backend-tap may import only ethif, posix");
  });

  test("a backend may not know the card", async () => {
    const root = fixtureWorkspace({
      "virtio-net": source("export const card = 1;\n"),
      "backend-loopback": source('export { card } from "@vmmkit/virtio-net";\n'),
    });
    expect(await checkLayers(root)).toHaveLength(1);
  });

  test("a way around the name, by a path into another package, fails", async () => {
    const root = fixtureWorkspace({ vm, pci: source('export { vm } from "../../vm/src/index.ts";\n') });
    expect(await checkLayers(root)).toEqual([
      "packages/pci/src/index.ts imports packages/vm/src/index.ts (another package is imported by its name, not by a path)",
    ]);
  });

  test("virtqueues know guest memory and the specification, and no bus", async () => {
    const files = {
      "src/index.ts": "export const virtio = 1;\n",
      "src/spec.ts": "export const F_NEXT = 1;\n",
      "src/device-state.ts": "export const state = 1;\n",
      "src/queue/good.ts": 'export { vm } from "@vmmkit/vm";\nexport { F_NEXT } from "../spec.ts";\n',
      "src/queue/bus.ts": 'export { pci } from "@vmmkit/pci";\n',
      "src/queue/device.ts": 'export { state } from "../device-state.ts";\n',
    };
    const root = fixtureWorkspace({ vm, pci: source("export const pci = 1;\n"), virtio: { files } });
    const problems = await checkLayers(root);
    expect(problems.map((problem) => problem.split(" imports ")[0])).toEqual([
      "packages/virtio/src/queue/bus.ts",
      "packages/virtio/src/queue/device.ts",
    ]);
  });

  test("a core package uses no Node API and no npm package", async () => {
    const root = fixtureWorkspace({
      vm: source('export { readFileSync } from "node:fs";\nexport { left } from "left";\n'),
    });
    install(root, "left");
    const problems = (await checkLayers(root)).join("\n");
    expect(problems).toContain("vm uses no Node API");
    expect(problems).toContain("vm uses no npm package");
  });

  test("of its peer a core package sees the types alone", async () => {
    const types = fixtureWorkspace({
      v86: source('import type { left } from "v86";\nexport type Left = typeof left;\n'),
    });
    install(types, "v86");
    expect(await checkLayers(types)).toEqual([]);
    const values = fixtureWorkspace({ v86: source('export { left } from "v86";\n') });
    install(values, "v86");
    expect((await checkLayers(values)).join()).toContain("v86 sees only the types of its peer");
  });

  test("test support is for tests: a source that imports it fails, a test passes", async () => {
    const guestDriver = source("export const driver = 1;\n", { private: true });
    const use = 'export { driver } from "@vmmkit/guest-driver";\n';
    const good = { files: { "src/index.ts": "export const card = 1;\n", "test/card.test.ts": use } };
    expect(await checkLayers(fixtureWorkspace({ "guest-driver": guestDriver, "virtio-net": good }))).toEqual([]);
    const bad = fixtureWorkspace({ "guest-driver": guestDriver, "virtio-net": source(use) });
    expect((await checkLayers(bad)).join()).toContain("virtio-net may import only");
  });

  test("a cycle of modules fails", async () => {
    const files = {
      "src/index.ts": 'import { b } from "./b.ts";\nexport const a: () => unknown = () => b;\n',
      "src/b.ts": 'import { a } from "./index.ts";\nexport const b: () => unknown = () => a;\n',
    };
    expect((await checkLayers(fixtureWorkspace({ vm: { files } }))).join()).toContain("a cycle");
  });
});

describe("layers, by package.json", () => {
  test("a dependency upwards fails, of every kind that an installation brings along", async () => {
    for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
      const root = fixtureWorkspace({
        ethif: source("export const ethif = 1;\n", { [kind]: { "@vmmkit/virtio": "workspace:*" } }),
        virtio: source("export const virtio = 1;\n"),
      });
      expect(await checkLayers(root)).toEqual([
        "packages/ethif depends on @vmmkit/virtio; it may depend on nothing of ours",
      ]);
    }
  });

  test("a core package depends on nothing from npm", async () => {
    const root = fixtureWorkspace({ vm: source("export const vm = 1;\n", { dependencies: { left: "catalog:" } }) });
    expect(await checkLayers(root)).toEqual(["packages/vm depends on left; it uses no npm package"]);
  });

  test("a package without a place among the layers fails", async () => {
    const root = fixtureWorkspace({ other: source("export const other = 1;\n") });
    expect((await checkLayers(root)).join()).toContain("packages/other has no place among the layers");
  });

  test("test support must be private", async () => {
    const root = fixtureWorkspace({ "guest-driver": source("export const driver = 1;\n") });
    expect(await checkLayers(root)).toEqual(["packages/guest-driver serves tests alone and must be private"]);
  });

  test("a version of its own fails: versions stand in the catalog", async () => {
    const root = fixtureWorkspace({ vm: source("export const vm = 1;\n", { devDependencies: { vitest: "^4.0.0" } }) });
    expect(await checkLayers(root)).toEqual(['packages/vm asks for vitest ^4.0.0; write "catalog:"']);
  });
});

describe("layers, by the compiler's settings", () => {
  test("a core package that lets Node's types in fails", async () => {
    const files = { "src/index.ts": "export {};\n", "tsconfig.json": '{ "compilerOptions": { "types": ["node"] } }' };
    expect((await checkLayers(fixtureWorkspace({ vm: { files } }))).join()).toContain(
      'packages/vm/tsconfig.json sets "types"',
    );
  });
});

/** Puts a package with one export into the fixture's node_modules. */
function install(root: string, name: string): void {
  const folder = join(root, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name, version: "1.0.0", type: "module", main: "index.js" }),
  );
  writeFileSync(join(folder, "index.js"), "export const left = 1;\n");
}
