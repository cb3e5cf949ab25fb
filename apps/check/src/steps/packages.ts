import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mapInParallel } from "../map-in-parallel.ts";
import { importAll } from "../packages/install.ts";
import { judgeTypes, lintTarball } from "../packages/judge.ts";
import { packAll } from "../packages/pack.ts";
import type { Step } from "../step.ts";
import { readWorkspace } from "../workspace.ts";

/** The published packages as a user gets them: built, packed, looked at and imported. */
export const packages: Step = {
  name: "packages",
  about: "build and pack what is published, and import it",
  async run({ root }) {
    const items = readWorkspace(root).filter(({ kind, manifest }) => kind === "package" && !manifest.private);
    const target = await mkdtemp(join(tmpdir(), "vmmkit-packages-"));
    try {
      const tarballs = await packAll(root, items, target);
      const judged = await mapInParallel(tarballs, async (tarball) => [
        ...(await lintTarball(tarball)),
        ...(await judgeTypes(root, tarball)),
      ]);
      const problems = [...(await importAll(root, tarballs, target)), ...judged.flat()];
      return { ok: problems.length === 0, summary: `${items.length} packages`, report: problems.join("\n") };
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  },
};
