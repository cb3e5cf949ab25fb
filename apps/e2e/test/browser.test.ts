import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { ensureGuestImage } from "@vmmkit/linux-guest";
import { build } from "esbuild";
import { expect, it } from "vitest";
import type { PageResult, PageTask } from "./browser/page-messages.ts";
import { findChromium, withPage } from "./support/browser/chromium.ts";
import { PageServer, type Resource } from "./support/browser/page-server.ts";

const PAGE = fileURLToPath(new URL("./browser/page.ts", import.meta.url));
const V86_WASM = createRequire(import.meta.url).resolve("v86/build/v86.wasm");
const HTML = '<!doctype html><meta charset="utf-8"><title>vmmkit</title><script type="module" src="/page.js"></script>';

it("a guest in a browser pings the page and fetches a file from it", { timeout: 850_000 }, async ({ skip }) => {
  const chromium = findChromium();
  if (chromium === null) return skip("no browser here: install Debian's package chromium");
  const random = randomBytes(300_001);
  const server = await PageServer.start(await resources(random));
  try {
    const result = JSON.parse(await withPage(chromium, server.url, server.result(800_000))) as PageResult;
    if ("error" in result) throw new Error(`the page failed: ${result.error}`);
    expect(result.ping).toContain("20 packets transmitted, 20 packets received, 0% packet loss");
    expect(result.pingsAnswered).toBe(20);
    expect(result.md5).toBe(createHash("md5").update(random).digest("hex"));
    expect(result.frames.received).toBeGreaterThan(200);
    expect(result.complaints).toEqual([]);
  } finally {
    await server.close();
  }
});

/** The page, what it imports in one file, and what its guest boots from. */
async function resources(random: Uint8Array): Promise<Map<string, Resource>> {
  const image = await ensureGuestImage();
  const task: PageTask = { cmdline: `${image.cmdline} vmmkit.shell` };
  const map = new Map<string, Resource>([
    ["/", { type: "text/html", body: HTML }],
    ["/page.js", { type: "text/javascript", body: await bundle() }],
    ["/v86.wasm", { type: "application/wasm", body: await readFile(V86_WASM) }],
    ["/task", { type: "application/json", body: JSON.stringify(task) }],
    ["/random.bin", { type: "application/octet-stream", body: random }],
  ]);
  for (const name of ["bios", "vgaBios", "kernel", "initrd"] as const) {
    map.set(`/${name}`, { type: "application/octet-stream", body: await readFile(image[name]) });
  }
  return map;
}

/** Bundles for a browser: a module of Node's in one of our packages would be an error here. v86 asks for its own only in Node. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["node:crypto", "node:fs/promises", "crypto", "fs", "perf_hooks"],
  });
  return outputFiles[0]?.text ?? "";
}
