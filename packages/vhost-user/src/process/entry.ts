import { Poller, runSupervised } from "@vmmkit/posix";
import { serveVhostUser, type VhostUserBackend } from "../backend.ts";
import type { VhostUserDevice } from "../served-device.ts";
import type { BackendModule, StartData } from "./messages.ts";

/*
 * The process of a back-end.
 */

let backend: VhostUserBackend<VhostUserDevice> | null = null;
let report: () => unknown = () => null;

runSupervised({
  start: async (given, log) => {
    const { module, data, where, spinUs } = given as StartData;
    const exported = (await import(module)) as BackendModule;
    report = exported.report ?? report;
    const poller = new Poller({ spinUs });
    backend = serveVhostUser({
      ...where,
      poller,
      log,
      makeDevice: (vm, hooks) => exported.default({ vm, hooks, poller, data }),
    });
  },
  answer: () => report(),
  close: () => backend?.close(),
});
