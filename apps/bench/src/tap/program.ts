import { createInterface } from "node:readline";
import { enterNetwork, openFile, threadPoller } from "@vmmkit/posix";
import { Stopwatch } from "../loops/stopwatch.ts";
import { echo } from "./programs/echo.ts";
import { forward } from "./programs/forward.ts";
import { receive } from "./programs/receive.ts";
import { send } from "./programs/send.ts";

/** How long the event loop waits for its turn while a thread waits without it. */
const TURN_MS = 20;

/*
 * Our side of the benchmarks of TAP: the same programs as in native/tap.c, with the same arguments and the same
 * lines in and out. `send` takes a tee's name behind them, for a tee around the interface; `--worker` gives the echo a
 * thread that does nothing else, which waits without an event loop.
 */
const [mode = "", ...args] = process.argv.slice(2);

function answerRounds(turn: () => number, watch: Stopwatch): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const milliseconds = Number(line.split(" ")[1]);
    process.stdout.write(`${watch.round(turn, milliseconds)}\n`);
  });
  // The interface is waited for, which would keep the process alive.
  lines.on("close", () => process.exit(0));
}

/** Goes on until standard input ends. */
function untilEnd(close: () => void): void {
  process.stdin.resume().on("end", () => {
    close();
    process.exit(0);
  });
  process.stdout.write("ready\n");
}

/** For a process that does nothing else, as C's: it waits without the event loop, which has a turn in between. */
function waitInKernel(): void {
  const poller = threadPoller();
  const until = performance.now() + TURN_MS;
  do poller.wait(TURN_MS);
  while (performance.now() < until);
  setImmediate(waitInKernel);
}

function inNetwork<T>(path: string, action: () => T): T {
  const [home, there] = [openFile("/proc/thread-self/ns/net"), openFile(path)];
  enterNetwork(there);
  try {
    return action();
  } finally {
    enterNetwork(home);
    home.close();
    there.close();
  }
}

async function echoInWorker(name: string): Promise<() => void> {
  const { Worker } = await import("node:worker_threads");
  const worker = new Worker(new URL("./programs/echo-worker-entry.js", import.meta.url), {
    workerData: name,
    execArgv: [],
  });
  await new Promise((resolve) => worker.once("message", resolve));
  // It waits in the kernel and cannot be told; leaving in good order would wait for it.
  return () => process.kill(process.pid, "SIGKILL");
}

const watch = new Stopwatch();
if (mode === "send") answerRounds(send(Number(args[0]), watch, args[1]), watch);
else if (mode === "receive") answerRounds(receive(Number(args[0]), watch), watch);
else if (mode === "echo") untilEnd(args[1] === "--worker" ? await echoInWorker(args[0] ?? "") : echo(args[0] ?? ""));
else if (mode === "forward") {
  const [network1 = "", name1 = "", network2 = "", name2 = ""] = args;
  untilEnd(forward(inNetwork, [network1, name1], [network2, name2]));
  waitInKernel();
} else throw new RangeError(`"mode" expected send, receive, echo or forward, got "${mode}"`);
