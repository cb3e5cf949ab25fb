import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/**
 * No window, no sandbox (root has none), and none of what a browser does on its own account: its services would try
 * hosts that a machine for tests does not reach.
 */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Finds a Chromium among the programs of this machine, or null. */
export function findChromium(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const paths = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}

/**
 * Shows a page in a Chromium without a window as long as `task` takes.
 * @throws Error where the browser ends before that
 */
export async function withPage<T>(chromium: string, url: string, task: Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), "vmmkit-chromium-"));
  const browser = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = endOf(browser);
  try {
    return await Promise.race([task, end.then((said) => Promise.reject(new Error(`the browser ended:\n${said}`)))]);
  } finally {
    browser.kill();
    await end.catch(() => {});
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Comes when the browser has ended, with the end of what it wrote. Rejects where it cannot be started. */
function endOf(browser: ChildProcess): Promise<string> {
  let said = "";
  browser.stderr?.on("data", (chunk) => {
    said = (said + String(chunk)).slice(-2000);
  });
  return new Promise((resolve, reject) => {
    browser.once("error", reject);
    browser.once("close", () => resolve(said));
  });
}
