import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unpackDeb } from "../../src/image/deb.ts";

const hasDpkg = spawnSync("dpkg-deb", ["--version"]).status === 0;
let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "vmmkit-test-"));
});
afterEach(() => rm(parent, { recursive: true }));

test.skipIf(!hasDpkg)("only the wanted files are unpacked (skipped where there is no dpkg-deb)", async () => {
  const tree = join(parent, "tree");
  await mkdir(join(tree, "DEBIAN"), { recursive: true });
  await mkdir(join(tree, "lib/deep"), { recursive: true });
  const control = "Package: a\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: a\n";
  await writeFile(join(tree, "DEBIAN/control"), control);
  for (const file of ["lib/a.ko", "lib/b.txt", "lib/deep/c.ko"]) await writeFile(join(tree, file), file);
  execFileSync("dpkg-deb", ["-b", tree, join(parent, "a.deb")], { stdio: "ignore" });
  const out = join(parent, "out");
  await mkdir(out);
  await unpackDeb(join(parent, "a.deb"), out, ["lib/*.ko", "matches/nothing"]);
  expect(await readdir(join(out, "lib"))).toEqual(["a.ko"]);
  expect(await readFile(join(out, "lib/a.ko"), "utf8")).toBe("lib/a.ko");
});
