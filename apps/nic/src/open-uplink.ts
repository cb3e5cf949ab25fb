import type { Hub } from "@vmmkit/backend-loopback";
import type { Poller } from "@vmmkit/posix";
import type { LineSpec } from "./backend-spec.ts";
import { Cable } from "./cable.ts";
import { openLine } from "./open-backend.ts";

/** Joins a hub with what is not a card. @throws what the backend throws; nothing is left open then */
export function openUplink(spec: LineSpec, hub: Hub, mtu: number, poller: Poller): Cable {
  const backend = openLine(spec, { mtu, poller });
  return new Cable("uplink", hub.port({ name: "uplink" }), backend, mtu);
}
