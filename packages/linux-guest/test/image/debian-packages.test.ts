import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GuestImageError } from "../../src/errors.ts";
import { findDebianPackages, readUnpacked } from "../../src/image/debian-packages.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vmmkit-test-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("without apt one sentence says which options to pass", async () => {
  vi.stubEnv("PATH", folder);
  const finding = findDebianPackages([{ names: ["a"], files: [] }], folder, () => {});
  await expect(finding).rejects.toThrow(GuestImageError);
  await expect(finding).rejects.toThrow(/"apt-config" is not installed.*--kernel, --initrd, --bios, --vga-bios/);
});

test("an unpacked file is found by its pattern, and its dots are dots", async () => {
  await mkdir(join(folder, "boot"));
  await writeFile(join(folder, "boot/vmlinuz-6.1.0-50-686"), "kernel");
  await writeFile(join(folder, "boot/System_map"), "map");
  expect((await readUnpacked(folder, "boot/vmlinuz-*")).toString()).toBe("kernel");
  await expect(readUnpacked(folder, "boot/System.map")).rejects.toThrow("hold no boot/System.map");
  await expect(readUnpacked(folder, "usr/bin/busybox")).rejects.toThrow(GuestImageError);
});
