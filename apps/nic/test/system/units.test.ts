import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { because, NIC } from "../support/nic-process.ts";

const UNITS = fileURLToPath(new URL("../../systemd", import.meta.url));
const isThere = spawnSync("systemd-analyze", ["--version"]).status === 0;

it.skipIf(!isThere)(`systemd finds nothing wrong with the units${because("systemd", isThere)}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-units-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(UNITS, folder, { recursive: true });
  const service = join(folder, "nic.service");
  // Where the command is on this machine.
  writeFileSync(service, readFileSync(service, "utf8").replace("/usr/local/bin/nic", NIC));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", service, join(folder, "nic.socket")], {
    encoding: "utf8",
  });
  // Other units of the machine may have faults of their own.
  expect(stderr.split("\n").filter((line) => line.includes("nic."))).toEqual([]);
  expect(status).toBe(0);
});
