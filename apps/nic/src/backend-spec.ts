import { isIPv4 } from "node:net";
import type { SocketAddress } from "@vmmkit/posix";

/** What carries a card's frames. */
export type BackendSpec =
  | { readonly kind: "hub" }
  | { readonly kind: "null" }
  | { readonly kind: "tap" | "pcap-live"; readonly name: string }
  | { readonly kind: "socket"; readonly how: "connect" | "listen"; readonly address: SocketAddress };

/** One that leads out of this process. */
export type LineSpec = Exclude<BackendSpec, { readonly kind: "hub" | "null" }>;

/** What `--backend` takes. */
export const BACKEND_USAGE = "hub, null, tap:NAME, socket:ADDRESS, socket:listen:ADDRESS, pcap-live:INTERFACE";

/** Reads a backend. ADDRESS is a path, or IPv4:PORT. @throws RangeError that says what there is */
export function parseBackend(text: string): BackendSpec {
  const [, kind = "", argument = ""] = /^([^:]*):?(.*)$/s.exec(text) ?? [];
  if ((kind === "hub" || kind === "null") && text === kind) return { kind };
  if ((kind === "tap" || kind === "pcap-live") && argument !== "") return { kind, name: argument };
  if (kind === "socket" && argument !== "") {
    const listen = argument.startsWith("listen:");
    const address = socketAddress(listen ? argument.slice("listen:".length) : argument);
    return { kind, how: listen ? "listen" : "connect", address };
  }
  throw new RangeError(`expected one of ${BACKEND_USAGE}, got "${text}"`);
}

/** A backend as `parseBackend` reads it. */
export function formatBackend(spec: BackendSpec): string {
  if (spec.kind === "hub" || spec.kind === "null") return spec.kind;
  if (spec.kind !== "socket") return `${spec.kind}:${spec.name}`;
  const { address, how } = spec;
  const where = address.family === "unix" ? address.path : `${address.address}:${address.port}`;
  return `socket:${how === "listen" ? "listen:" : ""}${where}`;
}

function socketAddress(text: string): SocketAddress {
  const [, address = "", port = ""] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
  if (address === "" && text !== "") return { family: "unix", path: text };
  if (!isIPv4(address) || Number(port) < 1 || Number(port) > 65_535) {
    throw new RangeError(`expected a path, or an IPv4 address and a port, got "${text}"`);
  }
  return { family: "ipv4", address, port: Number(port) };
}
