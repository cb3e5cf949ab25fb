import type { FaultOptions } from "@vmmkit/backend-fault";
import { type MacAddress, parseMac } from "@vmmkit/ethif";
import { type BackendSpec, type LineSpec, parseBackend } from "./backend-spec.ts";
import { parseFault } from "./fault-spec.ts";
import { type MetricsAddress, parseMetricsAddress } from "./metrics/address.ts";

/** Which of its interfaces a card shows over vfio-user. */
type Driver = "legacy" | "transitional" | "modern";
const DRIVERS: readonly string[] = ["legacy", "transitional", "modern"];
const MOST_QUEUES = 256;
/** A poller takes no more. */
const MOST_SPIN_US = 500;

/** How a data path waits: asleep, asleep once it has looked on for a while, or never. */
export type Waiting = "wait" | "adaptive" | "poll";
const WAITINGS: readonly string[] = ["wait", "adaptive", "poll"];
/** How long it looks on otherwise: a data path has a processor to itself, if there are enough. */
const DEFAULT_SPIN_US = 50;

/** One card, as asked for. */
export interface CardConfig {
  readonly name: string;
  readonly protocol: "vfio-user" | "vhost-user";
  /** Where its socket is. */
  readonly path: string;
  readonly backend: BackendSpec;
  readonly mac?: MacAddress;
  /** Left out: the interface's where there is one, otherwise 1500. */
  readonly mtu?: number;
  readonly queues: number;
  readonly driver: Driver;
  /** How its data path waits for something to do. */
  readonly waiting: Waiting;
  /** A capture from the start. */
  readonly pcap?: string;
  readonly fault: FaultOptions;
}

/** All that `nic serve` is to do. */
export interface NicConfig {
  /** Path of the control socket; none where it is left out. */
  readonly control?: string;
  /** Where Prometheus finds counts; nowhere where it is left out. */
  readonly metrics?: MetricsAddress;
  /** Whom it runs as once all is open. */
  readonly user?: string;
  /** What else is on the hub. */
  readonly uplinks: readonly LineSpec[];
  /** With "adaptive", for how many microseconds a data path goes on looking after something was ready, before it sleeps. */
  readonly spinUs: number;
  /** All data paths are in this process. */
  readonly oneProcess: boolean;
  readonly cards: readonly CardConfig[];
}

/** What is wrong with a configuration, and where. */
class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The MTU of an Ethernet that says nothing else. */
export const DEFAULT_MTU = 1500;

const TOP_KEYS = ["control", "metrics", "user", "spinUs", "oneProcess", "uplinks", "cards"];
const CARD_KEYS = [
  "name",
  "vfioUser",
  "vhostUser",
  "backend",
  "mac",
  "mtu",
  "queues",
  "driver",
  "waiting",
  "pcap",
  "fault",
] as const;

/**
 * Checks a configuration: a file's, or what the options say in its words.
 * @throws ConfigError that names the place, what was expected and what is there
 */
export function readConfig(json: unknown): NicConfig {
  const top = record(json, "configuration", TOP_KEYS);
  const list = top["cards"];
  if (!Array.isArray(list) || list.length === 0) fail("cards", "a list of at least one card", list);
  const cards = list.map(readCard);
  unique(cards, "name", (card) => card.name);
  unique(cards, "socket", (card) => card.path);
  const mtu = hubMtu(cards);
  const odd = cards.find((card) => saysHubMtu(card) && card.mtu !== mtu);
  if (odd !== undefined) fail(`mtu of ${odd.name}`, `${mtu}, as the hub's other cards have`, odd.mtu);
  const waiting = cards.find(({ backend }) => backend.kind === "hub")?.waiting;
  const other = cards.find((card) => card.backend.kind === "hub" && card.waiting !== waiting);
  if (other !== undefined)
    fail(`waiting of ${other.name}`, `"${waiting}", as the hub's other cards have`, other.waiting);
  const oneProcess = top["oneProcess"] ?? false;
  if (typeof oneProcess !== "boolean") fail("oneProcess", "true or false", oneProcess);
  const control = optionalText(top, "control", "control");
  const metrics = optionalText(top, "metrics", "metrics");
  const user = optionalText(top, "user", "user");
  return {
    cards,
    uplinks: readUplinks(top["uplinks"] ?? []),
    spinUs: wholeNumber(top["spinUs"] ?? DEFAULT_SPIN_US, "spinUs", 0, MOST_SPIN_US),
    oneProcess,
    ...(control !== undefined && { control }),
    ...(metrics !== undefined && { metrics: within("metrics", () => parseMetricsAddress(metrics)) }),
    ...(user !== undefined && { user }),
  };
}

/** The MTU of the hub between cards: the first one's that says one. */
export function hubMtu(cards: readonly CardConfig[]): number {
  return cards.find(saysHubMtu)?.mtu ?? DEFAULT_MTU;
}

function saysHubMtu({ backend, mtu }: CardConfig): boolean {
  return backend.kind === "hub" && mtu !== undefined;
}

function readUplinks(json: unknown): LineSpec[] {
  if (!Array.isArray(json)) fail("uplinks", "a list", json);
  return json.map((text, index) => {
    const at = `uplinks[${index}]`;
    if (typeof text !== "string") fail(at, "a text", text);
    const uplink = within(at, () => parseBackend(text));
    if (uplink.kind === "hub" || uplink.kind === "null")
      fail(at, "another way than the hub, and one that leads somewhere", text);
    return uplink;
  });
}

function readCard(json: unknown, index: number): CardConfig {
  const at = `cards[${index}]`;
  const card = record(json, at, CARD_KEYS);
  const vfioUser = optionalText(card, "vfioUser", `${at}.vfioUser`);
  const vhostUser = optionalText(card, "vhostUser", `${at}.vhostUser`);
  const path = vfioUser ?? vhostUser;
  if (path === undefined || (vfioUser !== undefined && vhostUser !== undefined)) {
    throw new ConfigError(`${at}: expected one of vfioUser and vhostUser`);
  }
  const driver = card["driver"] ?? "transitional";
  if (typeof driver !== "string" || !DRIVERS.includes(driver)) fail(`${at}.driver`, DRIVERS.join(", "), driver);
  if (vhostUser !== undefined && card["driver"] !== undefined) {
    throw new ConfigError(`${at}.driver: over vhost-user the VMM has the registers, so it is not to be chosen here`);
  }
  const waiting = card["waiting"] ?? "adaptive";
  if (typeof waiting !== "string" || !WAITINGS.includes(waiting)) fail(`${at}.waiting`, WAITINGS.join(", "), waiting);
  const backend = within(`${at}.backend`, () => parseBackend(optionalText(card, "backend", `${at}.backend`) ?? "hub"));
  const mtu = card["mtu"] === undefined ? undefined : wholeNumber(card["mtu"], `${at}.mtu`, 68, 65_521);
  if (mtu !== undefined && backend.kind === "pcap-live") {
    throw new ConfigError(`${at}.mtu: through libpcap it is the interface's, so it is not to be chosen here`);
  }
  const mac = optionalText(card, "mac", `${at}.mac`);
  const pcap = optionalText(card, "pcap", `${at}.pcap`);
  return {
    name: optionalText(card, "name", `${at}.name`) ?? `nic${index}`,
    protocol: vfioUser === undefined ? "vhost-user" : "vfio-user",
    path,
    backend,
    queues: wholeNumber(card["queues"] ?? 1, `${at}.queues`, 1, MOST_QUEUES),
    driver: driver as Driver,
    waiting: waiting as Waiting,
    fault: within(`${at}.fault`, () => parseFault(optionalText(card, "fault", `${at}.fault`) ?? "")),
    ...(mac !== undefined && { mac: within(`${at}.mac`, () => parseMac(mac)) }),
    ...(pcap !== undefined && { pcap }),
    ...(mtu !== undefined && { mtu }),
  };
}

function record(json: unknown, at: string, keys: readonly string[]): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) fail(at, "an object", json);
  const unknown = Object.keys(json).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new ConfigError(`${at}: no such key "${unknown}"; there are ${keys.join(", ")}`);
  return json as Record<string, unknown>;
}

function optionalText(from: Record<string, unknown>, key: string, at: string): string | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") fail(at, "a text that is not empty", value);
  return value;
}

function wholeNumber(value: unknown, at: string, min: number, max: number): number {
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
    fail(at, `a whole number from ${min} to ${max}`, value);
  }
  return Number(value);
}

function within<T>(at: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ConfigError(`${at}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function unique(cards: readonly CardConfig[], what: string, of: (card: CardConfig) => string): void {
  const seen = new Set<string>();
  for (const card of cards) {
    if (seen.has(of(card))) throw new ConfigError(`cards: two have the ${what} "${of(card)}"`);
    seen.add(of(card));
  }
}

function fail(at: string, expected: string, got: unknown): never {
  throw new ConfigError(`${at}: expected ${expected}, got ${JSON.stringify(got) ?? "nothing"}`);
}
