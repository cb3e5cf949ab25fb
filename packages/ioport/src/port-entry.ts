import type { IoPortEntry, IoPortInterface, IoPortRange } from "./io-port.ts";

/** An entry as the list sees it: what the public type shows read-only can change here. */
export class PortEntry implements IoPortEntry {
  range: IoPortRange;
  readonly iface: IoPortInterface;
  mapped = false;

  constructor(range: IoPortRange, iface: IoPortInterface) {
    this.range = range;
    this.iface = iface;
  }
}
