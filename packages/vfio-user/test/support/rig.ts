import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PciFunction } from "@vmmkit/pci";
import { Poller } from "@vmmkit/posix";
import type { Vm } from "@vmmkit/vm";
import { onTestFinished } from "vitest";
import { serveVfioUser, type VfioUserServer } from "../../src/index.ts";
import { Client } from "./client.ts";
import { ToyFunction } from "./toy-function.ts";

/** A server of its own, to be connected to. */
export interface Rig<Device> {
  readonly server: VfioUserServer;
  readonly device: Device;
  readonly poller: Poller;
  readonly path: string;
  readonly log: string[];
  /** A client that is connected, and agreed on the version unless `raw`. */
  connect(raw?: "raw"): Client;
}

/** Serves a function until the test is over. */
export function serve<Device extends PciFunction>(make: (vm: Vm) => Device): Rig<Device> {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
  const path = join(folder, "nic.sock");
  const poller = new Poller();
  const log: string[] = [];
  let device: Device | null = null;
  const makeFunction = (vm: Vm): Device => {
    device = make(vm);
    return device;
  };
  const server = serveVfioUser({ listen: path, makeFunction, poller, log: (line) => log.push(line) });
  onTestFinished(() => {
    server.close();
    poller.close();
    rmSync(folder, { recursive: true });
  });
  if (device === null) throw new Error("no function was made");
  const connect = (raw?: "raw"): Client => {
    const client = new Client(path, poller);
    onTestFinished(() => client.socket.close());
    client.turn();
    if (raw === undefined) client.negotiate();
    return client;
  };
  return { server, device, poller, path, log, connect };
}

/** Serves a function that only remembers. */
export function serveToy(): Rig<ToyFunction> {
  return serve((vm) => new ToyFunction(vm));
}
