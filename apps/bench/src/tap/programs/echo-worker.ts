import { parentPort, workerData } from "node:worker_threads";
import { Poller } from "@vmmkit/posix";
import { echo } from "./echo.ts";

// A thread that does nothing else: it waits in the kernel, without an event loop.
const poller = new Poller();
echo(workerData as string, poller);
parentPort?.postMessage("ready");
for (;;) poller.wait(-1);
