import { Poller } from "@vmmkit/posix";
import { serveVhostUser, type VhostUserBackend } from "../backend.ts";
import type { VhostUserDevice } from "../served-device.ts";
import type { BackendModule, ChildMessage, ParentMessage, StartMessage } from "./messages.ts";

/*
 * The process of a back-end. It does what its parent says, and ends with it.
 */

let backend: VhostUserBackend<VhostUserDevice> | null = null;
let report: () => unknown = () => null;

async function start({ module, data, where, spinUs }: StartMessage): Promise<void> {
  const exported = (await import(module)) as BackendModule;
  report = exported.report ?? report;
  const poller = new Poller({ spinUs });
  backend = serveVhostUser({
    ...where,
    poller,
    log: (line) => send({ kind: "log", line }),
    makeDevice: (vm, hooks) => exported.default({ vm, hooks, poller, data }),
  });
}

function send(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}

function close(): void {
  backend?.close();
  process.exit(0);
}

process.on("message", (message: ParentMessage) => {
  if (message.kind === "close") close();
  else if (message.kind === "report") send({ kind: "report", id: message.id, value: report() });
  else {
    start(message).then(
      () => send({ kind: "ready" }),
      (error: unknown) => send({ kind: "failed", error: error instanceof Error ? error.message : String(error) }),
    );
  }
});
process.on("disconnect", close);
// Those are for the parent, which has them from the same terminal and ends this process as it sees fit.
for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
