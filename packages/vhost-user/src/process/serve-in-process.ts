import { SupervisedProcess } from "@vmmkit/posix";
import type { StartData } from "./messages.ts";

/** Options of `serveInProcess`: one of `listen` and `connect`. */
export interface ServeInProcessOptions {
  /** The module that makes the device: its URL. It exports a `BackendModule`. */
  readonly module: URL;
  /** What the module is given. It is cloned. */
  readonly data?: unknown;
  /** As `serveVhostUser` has it. */
  readonly listen?: string;
  /** As `serveVhostUser` has it. */
  readonly connect?: string;
  /** As `serveVhostUser` has it. */
  readonly mode?: number;
  /** How long the process goes on looking after something came, as `Poller` has it. Default 50: it has a processor to itself. */
  readonly spinUs?: number;
  /**
   * After how many milliseconds another process takes the place of one that died, twice as many each time that it dies
   * soon, 5000 at most. Default 50.
   */
  readonly restartMs?: number;
  /** Arguments for Node, a loader among them. Default: this process's. */
  readonly execArgv?: readonly string[];
  /** Told in words what happens. Default: nobody. */
  readonly log?: (line: string) => void;
}

/** A back-end in a process of its own. */
export interface ServedProcess {
  /** The process that serves now; -1 between two of them. */
  readonly pid: number;
  /** How often another process had to take over. */
  readonly restarts: number;
  /** What the module's `report` says. @throws (rejects) Error where the process dies meanwhile */
  report(): Promise<unknown>;
  /** Ends it: the front-end finds its connection closed, and the socket's file is gone. */
  close(): Promise<void>;
}

/**
 * Serves a device's rings as `serveVhostUser` does, in a process of its own that is watched: it has a processor to itself,
 * and when it dies, by whatever the front-end did to memory that both have mapped (SIGBUS) or by a fault of its own,
 * another one takes its place and a front-end that comes back goes on.
 * @throws (rejects) TypeError for options that do not go together; Error where the first process cannot serve
 */
export async function serveInProcess(options: ServeInProcessOptions): Promise<ServedProcess> {
  const { module, data, listen, connect, mode = 0o600, spinUs = 50 } = options;
  if ((listen === undefined) === (connect === undefined)) {
    throw new TypeError('"options" expected exactly one of listen and connect');
  }
  const where = connect === undefined ? { listen: listen ?? "", mode } : { connect };
  const start: StartData = { module: module.href, data, where, spinUs };
  const { restartMs, execArgv, log } = options;
  const supervised = await SupervisedProcess.start({
    entry: new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url),
    start: () => start,
    name: "the process of the back-end",
    ...(restartMs !== undefined && { restartMs }),
    ...(execArgv !== undefined && { execArgv }),
    ...(log !== undefined && { log }),
  });
  return {
    get pid() {
      return supervised.pid;
    },
    get restarts() {
      return supervised.restarts;
    },
    report: () => supervised.ask(null),
    close: () => supervised.close(),
  };
}
