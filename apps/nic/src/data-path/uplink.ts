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
  readonly #mtu: number;
  readonly #far: CableEnd;
  #cable: Cable | null = null;

  /** @throws what the backend throws; nothing is left open then */
  constructor(spec: LineSpec, mtu: number, poller: Poller) {
    this.#name = formatBackend(spec);
    this.#mtu = mtu;
    this.#far = new CableEnd(this.#name, openLine(spec, { mtu, poller, tap: { vnetHeader: true } }), mtu);
  }

  /** What may go out as it is: bits of `Offload`. It is no card of ours, which would do what it does not take. */
  get offloads(): number {
    return this.#far.takes;
  }

  /** From here on frames pass. @param hub one with no more offloads than that */
  join(hub: Hub): void {
    this.#cable = new Cable(new CableEnd("uplink", hub.port({ name: "uplink" }), this.#mtu), this.#far);
  }

  report(): UplinkReport {
    const [out, into] = this.#cable?.counts() ?? [NONE, NONE];
    return { uplink: this.#name, out, in: into };
  }

  close(): Promise<void> {
    return (this.#cable ?? this.#far).close();
  }
}

const NONE: CableCounts = { frames: 0, bytes: 0, failed: 0 };
