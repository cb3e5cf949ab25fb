import { parentPort, workerData } from "node:worker_threads";
import { loopbackBackend } from "@vmmkit/backend-loopback";
import { Poller } from "@vmmkit/posix";
import { NetDevice } from "@vmmkit/virtio-net";
import { serveVhostUser } from "../../src/index.ts";

/** A thread with a card, what carries its frames, and their back-end: all that the data path needs. */
const { path } = workerData as { readonly path: string };
const poller = new Poller({ spinUs: 50 });
const backend = serveVhostUser({
  listen: path,
  poller,
  makeDevice: (vm, hooks) => new NetDevice(vm, loopbackBackend(), hooks),
});
parentPort?.on("message", () => {
  parentPort?.postMessage(backend.device.counters.transmit.frames);
  backend.close();
  poller.close();
  parentPort?.close();
});
parentPort?.postMessage("listening");
