import type { Hub } from "../../src/index.ts";

/** The sum of counters. */
export function sum(counters: object): number {
  return Object.values(counters).reduce((total, count) => total + count, 0);
}

/** Frames that a hub threw away at any of its ports. */
export function totalDropped(hub: Hub): number {
  return hub.stats().ports.reduce((total, port) => total + sum(port.dropped), 0);
}
