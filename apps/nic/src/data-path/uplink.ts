import type { Hub } from "@vmmkit/backend-loopback";
import type { Poller } from "@vmmkit/posix";
import { formatBackend, type LineSpec } from "../backend-spec.ts";
import { Cable, type CableCounts, CableEnd } from "./cable.ts";
import { openLine } from "./open-backend.ts";

/** What an uplink says of itself. */
export interface UplinkReport {
  /** As `--uplink` has it. */
  readonly uplink: string;
  /** From the hub's cards, out. */
  readonly out: CableCounts;
  /** To them. */
  readonly in: CableCounts;
}

/** What joins a hub with something that is no card of its own. */
export class Uplink {
  readonly #name: string;
  readonly #cable: Cable;

  /** @throws what the backend throws; nothing is left open then */
  constructor(spec: LineSpec, hub: Hub, mtu: number, poller: Poller) {
    this.#name = formatBackend(spec);
    const backend = openLine(spec, { mtu, poller, tap: { vnetHeader: true } });
    this.#cable = new Cable(
      new CableEnd("uplink", hub.port({ name: "uplink" }), mtu),
      new CableEnd(this.#name, backend, mtu),
    );
  }

  report(): UplinkReport {
    const [out, into] = this.#cable.counts();
    return { uplink: this.#name, out, in: into };
  }

  close(): Promise<void> {
    return this.#cable.close();
  }
}
