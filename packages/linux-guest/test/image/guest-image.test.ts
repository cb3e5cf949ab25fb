import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GuestOptionError } from "../../src/errors.ts";
import { ensureGuestImage } from "../../src/image/guest-image.ts";
import { buildBzImage } from "../support/bzimage.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vmmkit-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function givenFiles(): Promise<Record<"kernel" | "initrd" | "bios" | "vgaBios", string>> {
  const file = (name: string): string => join(folder, name);
  const files = { kernel: file("k"), initrd: file("i"), bios: file("b"), vgaBios: file("v") };
  await writeFile(files.kernel, buildBzImage(Buffer.from("payload"), "5.10.0-own"));
  for (const other of [files.initrd, files.bios, files.vgaBios]) await writeFile(other, "");
  return files;
}

test("four given files are the image, and nothing is fetched", async () => {
  const files = await givenFiles();
  const image = await ensureGuestImage({ ...files, cacheFolder: join(folder, "cache") });
  expect(image).toMatchObject({ ...files, kernelRelease: "5.10.0-own" });
  expect(image.cmdline).toContain("console=ttyS0");
});

test("kernel and initrd go together", async () => {
  const { kernel } = await givenFiles();
  await expect(ensureGuestImage({ kernel })).rejects.toThrow(GuestOptionError);
  await expect(ensureGuestImage({ kernel })).rejects.toThrow('"kernel" and "initrd" expected together');
});

test("a file that is not there is named with its option", async () => {
  const files = await givenFiles();
  const missing = join(folder, "missing");
  await expect(ensureGuestImage({ ...files, bios: missing })).rejects.toThrow(
    `"bios" expected a file that can be read, got ${missing}`,
  );
});

test("a kernel that is none is refused", async () => {
  const files = await givenFiles();
  await writeFile(files.kernel, "no kernel");
  await expect(ensureGuestImage(files)).rejects.toThrow('"kernel" expected a Linux bzImage');
});
