import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { heapPerFrame } from "./heap.ts";
import type { LoopOptions } from "./loop.ts";
import { LOOPS } from "./loops.ts";
import { Stopwatch } from "./stopwatch.ts";

/*
 * A process that runs one loop: `child.js NAME OPTIONS`, the options as JSON. Each loop has a process of its own, as
 * a card in a VMM has: loops of several kinds in one process would make the engine's guesses about types poorer than
 * they are in use.
 *
 * It reads lines from standard input and answers each on standard output:
 *   round MILLISECONDS   nanoseconds per frame
 *   warm MILLISECONDS    the same, but at least so many batches that the engine knows the loop
 *   heap FRAMES          bytes of heap per frame, or "collected"
 *   trace                "ok"; from here on the engine's own lines about code thrown away come between the answers
 */

/** Turns until the engine has compiled what runs often, on a machine that is busy with other things too. */
const WARM_UP_BATCHES = 400;
const [name = "", json = "{}"] = process.argv.slice(2);
const make = LOOPS[name];
if (make === undefined) throw new RangeError(`"name" expected a loop, got "${name}"`);
const watch = new Stopwatch();
const turn = make(JSON.parse(json) as LoopOptions, watch);

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = line.split(" ");
  process.stdout.write(`${answer(command ?? "", Number(argument))}\n`);
});

function answer(command: string, argument: number): string {
  if (command === "round") return String(watch.round(turn, argument));
  if (command === "warm") return String(watch.round(turn, argument, WARM_UP_BATCHES));
  if (command === "heap") {
    watch.running = false;
    const bytes = heapPerFrame(turn, argument);
    watch.running = true;
    return String(bytes ?? "collected");
  }
  if (command === "trace") {
    setFlagsFromString("--trace-deopt");
    return "ok";
  }
  throw new RangeError(`"command" expected round, warm, heap or trace, got "${command}"`);
}
