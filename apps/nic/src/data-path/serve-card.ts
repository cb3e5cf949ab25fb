import type { RawIfaceFuncs } from "@vmmkit/ethif";
import type { Fd, Poller } from "@vmmkit/posix";
import { serveVfioUser } from "@vmmkit/vfio-user";
import { serveVhostUser } from "@vmmkit/vhost-user";
import { makeVirtioNetFunction, NetDevice } from "@vmmkit/virtio-net";
import type { GuestMemory } from "@vmmkit/vm";
import type { CardConfig } from "../config.ts";

/** A card's device, and the server that VMMs find it at. */
export interface Served {
  readonly device: NetDevice;
  readonly server: {
    /** Whether a VMM is connected. */
    readonly connected: boolean;
    /** Its memory. */
    readonly memory: GuestMemory;
    close(): void;
  };
}

/**
 * Serves a card.
 * @param listen a socket that listens already
 * @throws what the server throws
 */
export function serveCard(
  config: CardConfig,
  listen: Fd,
  backend: RawIfaceFuncs,
  poller: Poller,
  log: (line: string) => void,
): Served {
  const options = { name: config.name, queuePairs: config.queues, log };
  if (config.protocol === "vhost-user") {
    const makeDevice: Parameters<typeof serveVhostUser<NetDevice>>[0]["makeDevice"] = (vm, hooks) =>
      new NetDevice(vm, backend, hooks, options);
    const server = serveVhostUser({ listen, log, poller, makeDevice });
    return { server, device: server.device };
  }
  let device: NetDevice | null = null;
  const server = serveVfioUser({
    listen,
    log,
    poller,
    makeFunction: (vm) => {
      const made = makeVirtioNetFunction(vm, backend, { ...options, transport: config.driver });
      device = made.device;
      return made.function;
    },
  });
  if (device === null) throw new Error("the server made no card");
  return { server, device };
}
