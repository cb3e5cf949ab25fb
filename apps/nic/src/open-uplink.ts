import type { Hub } from "@vmmkit/backend-loopback";
import { liveBackend } from "@vmmkit/backend-pcap/node";
import { streamBackend } from "@vmmkit/backend-socket";
import { tapBackend } from "@vmmkit/backend-tap";
import type { Backend } from "@vmmkit/ethif";
import type { Poller } from "@vmmkit/posix";
import type { BackendSpec } from "./backend-spec.ts";
import { Cable } from "./cable.ts";

/** Joins a hub with what is not a card. @throws what the backend throws; nothing is left open then */
export function openUplink(spec: BackendSpec, hub: Hub, mtu: number, poller: Poller): Cable {
  const backend = open(spec, mtu, poller);
  return new Cable("uplink", hub.port({ name: "uplink" }), backend, mtu);
}

function open(spec: BackendSpec, mtu: number, poller: Poller): Backend {
  switch (spec.kind) {
    case "tap":
      return tapBackend({ name: spec.name, poller });
    case "socket":
      return streamBackend({ [spec.how]: spec.address, mtu, poller });
    case "pcap-live":
      return liveBackend({ interface: spec.name, poller });
    default:
      throw new RangeError(`no uplink: ${spec.kind}`);
  }
}
