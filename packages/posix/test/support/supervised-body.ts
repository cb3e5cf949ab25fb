import { writeFileSync } from "node:fs";
import { Fd, FIRST_SUPERVISED_FD, runSupervised } from "../../src/index.ts";

/** A process for tests: it answers with what it was started from, and with what can be read from the descriptor that it has. */
let data: { readonly end?: string; readonly fail?: boolean; readonly stay?: boolean } = {};

runSupervised({
  start: async (given, log) => {
    data = given as typeof data;
    if (data.fail === true) throw new Error("no such thing");
    await new Promise((resolve) => setTimeout(resolve, 10));
    log("begun");
  },
  answer: (request) => {
    if (request === "throw") throw new RangeError("not that");
    if (request === "die") process.kill(process.pid, "SIGKILL");
    if (request !== "read") return { data, request };
    const bytes = new Uint8Array(8);
    return new TextDecoder().decode(bytes.subarray(0, new Fd(FIRST_SUPERVISED_FD).read(bytes)));
  },
  close: () => {
    if (data.stay === true) return new Promise(() => {});
    if (data.end !== undefined) writeFileSync(data.end, "closed");
    return undefined;
  },
});
