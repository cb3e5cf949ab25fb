import { execFileSync } from "node:child_process";
import { ipv4Bytes, PosixError, unshareNetwork } from "@vmmkit/posix";
import type { GuestAddress } from "../stations/guest-station.ts";
import { HostStation } from "../stations/host-station.ts";
import { StationError } from "../stations/station.ts";
import { moduleWire } from "./module-wire.ts";
import type { TapData } from "./tap-module.ts";
import type { BackendKind, Wire, WirePlan } from "./wire.ts";

const MTU = 1500;
const BRIDGE = "br0";
const HOST_ADDRESS = "10.86.0.254";
const HTTP_PORT_WITHOUT_ROOT = 8086;

/** The host's kernel, through a TAP interface for each guest. */
export const tap: BackendKind = {
  usage: "tap[:NAME]",
  summary:
    "guests and the host, through TAP interfaces: as root on a bridge in a network namespace of the demo's own; " +
    "with NAME one guest on that interface, which has an address",
  guests: { min: 1, max: 16, usual: 1 },
  argument: "optional",
  open: async (plan) => (plan.argument === null ? openBridge(plan) : openExisting(plan, plan.argument)),
};

/** A bridge in a namespace that ends with this process: nothing outside is touched. */
function openBridge(plan: WirePlan): Wire {
  try {
    unshareNetwork();
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    throw new StationError(
      "the backend tap makes a network namespace of its own, which takes root; or let root make an interface, and " +
        "say --backend tap:NAME: ip tuntap add dev NAME mode tap user $USER; ip addr add 10.86.1.1/24 dev NAME; " +
        "ip link set NAME up",
    );
  }
  ip("link set lo up");
  ip(`link add ${BRIDGE} type bridge`);
  ip(`addr add ${HOST_ADDRESS}/24 dev ${BRIDGE}`);
  ip(`link set ${BRIDGE} up`);
  return makeWire(plan, {
    host: new HostStation(HOST_ADDRESS),
    addressOf: (index) => ({ address: `10.86.0.${index + 1}`, prefixBits: 24, mtu: MTU }),
    tapOf: (index) => ({ name: `vmm${index}`, bridge: BRIDGE, mtu: MTU }),
  });
}

/** An interface that is there, as it is. */
function openExisting(plan: WirePlan, name: string): Wire {
  if (plan.guests !== 1) throw new StationError(`interface ${name} carries one guest, not ${plan.guests}`);
  const own = addressOfInterface(name);
  if (own === null || own.prefixBits >= 31) {
    throw new StationError(
      `interface ${name} needs to be up with an IPv4 address and room for another: ` +
        `ip addr add 10.86.1.1/24 dev ${name}; ip link set ${name} up`,
    );
  }
  const { address, prefixBits } = own;
  const privileged = process.getuid?.() === 0;
  return makeWire(plan, {
    host: new HostStation(address, privileged ? undefined : HTTP_PORT_WITHOUT_ROOT),
    addressOf: () => ({ address: neighbour(address, prefixBits), prefixBits, mtu: MTU }),
    tapOf: () => ({ name, existing: true }),
  });
}

/** What `ip -json` says of an interface. */
interface InterfaceReport {
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

/**
 * The first IPv4 address of an interface that is up; null where it has none. Node's own list leaves out those that have
 * no carrier, and a TAP interface has one only once somebody is on it.
 */
function addressOfInterface(name: string): { address: string; prefixBits: number } | null {
  try {
    const output = execFileSync("ip", ["-json", "addr", "show", "dev", name], { stdio: ["ignore", "pipe", "ignore"] });
    const [report] = JSON.parse(output.toString()) as InterfaceReport[];
    const own = report?.addr_info.find(({ family }) => family === "inet");
    if (report === undefined || own === undefined || !report.flags.includes("UP")) return null;
    return { address: own.local, prefixBits: own.prefixlen };
  } catch {
    return null;
  }
}

/** Another address in the same subnet: the next one, or the one before. */
function neighbour(address: string, prefixBits: number): string {
  const bytes = ipv4Bytes(address);
  const view = new DataView(bytes.buffer);
  const value = view.getUint32(0);
  const isLast = (value + 2) % 2 ** (32 - prefixBits) === 0;
  view.setUint32(0, isLast ? value - 1 : value + 1);
  return bytes.join(".");
}

/** What differs between a bridge of the demo's own and an interface that is there. */
interface Place {
  readonly host: HostStation;
  addressOf(index: number): GuestAddress;
  tapOf(index: number): TapData["tap"];
}

function makeWire({ capture }: WirePlan, { host, addressOf, tapOf }: Place): Wire {
  return moduleWire({
    module: new URL("./tap-module.ts", import.meta.url),
    capture,
    others: [host],
    dataOf: (index): TapData => ({ tap: tapOf(index) }),
    addressOf,
  });
}

function ip(command: string): void {
  execFileSync("ip", command.split(" "), { stdio: ["ignore", "ignore", "inherit"] });
}
