import { isIP } from "node:net";

/** Where counts are served by HTTP. */
export interface MetricsAddress {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/** Reads "127.0.0.1:9464", "[::1]:9464" or "9464", which is on 127.0.0.1. @throws RangeError */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, v6, v4, port = ""] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? v4 ?? "127.0.0.1";
  const isAddress = isIP(host) === (v6 === undefined ? 4 : 6);
  if (port === "" || Number(port) > 65_535 || !isAddress) {
    throw new RangeError(`expected PORT, IPV4:PORT or [IPV6]:PORT, got "${text}"`);
  }
  return { host, port: Number(port) };
}
