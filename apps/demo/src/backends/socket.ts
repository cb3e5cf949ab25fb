import { isIPv4 } from "node:net";
import type { SocketAddress } from "@vmmkit/posix";
import { DistantStation } from "../stations/distant-station.ts";
import { StationError } from "../stations/station.ts";
import { moduleWire } from "./module-wire.ts";
import type { SocketData } from "./socket-module.ts";
import type { BackendKind, Wire, WirePlan } from "./wire.ts";

const MTU = 1500;
const MODULE = new URL("./socket-module.ts", import.meta.url);

/** A stream socket in QEMU's framing. */
export const socket: BackendKind = {
  usage: "socket[:PATH|:IP:PORT]",
  summary:
    "two guests joined by a UNIX socket; with an address one guest, 10.86.0.1, that connects there, to QEMU's " +
    "-netdev stream,server=on, say, and pings 10.86.0.2",
  guests: { min: 1, max: 2, usual: 2 },
  argument: "optional",
  open: async (plan) => (plan.argument === null ? openPair(plan) : openPeer(plan, plan.argument)),
};

/** The first guest listens, the second connects, each in a thread of its own. */
function openPair({ capture, guests }: WirePlan): Wire {
  if (guests !== 2) throw new StationError(`without an address the backend socket joins two guests, not ${guests}`);
  // No file: it is gone with the process.
  const meeting: SocketAddress = { family: "unix", path: `\0vmmkit-demo-${process.pid}` };
  return moduleWire({
    module: MODULE,
    capture,
    others: [],
    dataOf: (index): SocketData => ({ stream: { [index === 0 ? "listen" : "connect"]: meeting, mtu: MTU } }),
    addressOf,
  });
}

/** Somebody else is at the other end. */
function openPeer({ capture, guests }: WirePlan, text: string): Wire {
  if (guests !== 1) throw new StationError(`a connection to ${text} carries one guest: say --guests 1`);
  return moduleWire({
    module: MODULE,
    capture,
    others: [new DistantStation("peer", addressOf(1).address)],
    dataOf: (): SocketData => ({ stream: { connect: socketAddress(text), mtu: MTU } }),
    addressOf,
  });
}

function addressOf(index: number): { address: string; prefixBits: number; mtu: number } {
  return { address: `10.86.0.${index + 1}`, prefixBits: 24, mtu: MTU };
}

/** Reads "192.0.2.1:7000", or else a path. @throws StationError */
export function socketAddress(text: string): SocketAddress {
  const [, address = "", port = ""] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
  if (address === "") return { family: "unix", path: text };
  if (!isIPv4(address) || Number(port) < 1 || Number(port) > 65_535) {
    throw new StationError(`${text} is neither a path nor an IPv4 address and a port`);
  }
  return { family: "ipv4", address, port: Number(port) };
}
