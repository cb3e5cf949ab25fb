import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("../src/index.ts", import.meta.url));

/** Watches a descriptor in a worker, while the main thread never loads koffi, and ends the worker. */
const SCRIPT = `
import { Worker } from "node:worker_threads";
const watching = ${JSON.stringify(`
  const { parentPort } = require("node:worker_threads");
  require("tsx/cjs");
  const { EventFd, Ready, threadPoller } = require(${JSON.stringify(ENTRY)});
  const bell = new EventFd();
  threadPoller().watch(bell.fd, Ready.Read, () => {});
  parentPort.postMessage("watching");
`)};
const worker = new Worker(watching, { eval: true, execArgv: [] });
await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
await worker.terminate();
console.log("alive");
`;

test("a worker that watches descriptors may be ended, and the process goes on", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", SCRIPT], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
  });
  expect(stdout).toBe("alive\n");
});
