import type { LinkInfo, MacAddress } from "@vmmkit/ethif";
import { type Poller, threadPoller } from "@vmmkit/posix";
import { checkInteger } from "../check.ts";
import { makeLink } from "../link.ts";
import { LONGEST_SNAP_LENGTH } from "../pcap-format.ts";

/** What libpcap is told when an interface is opened. */
export interface CaptureOptions {
  /** The host's interface: "eth0". `listInterfaces` has them all. */
  readonly interface: string;
  /** Which frames the guest gets, in the language of pcap-filter(7): "ether host 02:00:00:00:00:01". Default all. */
  readonly filter?: string;
  /**
   * How many bytes of each frame the guest gets at most, 14 to 262144. Default: whole frames. One that is cut is counted.
   */
  readonly snapLength?: number;
  /** Takes frames for other stations too, the guest among them: it has an address of its own. Default true. */
  readonly promiscuous?: boolean;
  /** Gives each frame to the guest as it comes, instead of many after a while. Default true. */
  readonly immediate?: boolean;
  /** Where `immediate` is false: how long frames are gathered at most, in milliseconds, 1 to 10000. Default 10. */
  readonly timeoutMs?: number;
  /** `"in"`: what comes from outside. `"both"`: what the host itself sends there too. Default "in". */
  readonly direction?: "in" | "both";
  /**
   * How many of the longest frames the kernel keeps for the guest while it has no room, 1 to 65536; at least 2 MB of
   * them. It costs the kernel as much memory. Where `immediate` is false, it keeps what comes within 64 times
   * `timeoutMs`, in at least 16 MB. Default 256.
   */
  readonly bufferFrames?: number;
}

/** Options of `liveBackend`. */
export interface LiveOptions extends CaptureOptions {
  /** The card's address. Copied. Default: a random locally administered one. */
  readonly mac?: MacAddress;
  /** How many frames of the guest wait while the kernel takes no more, 0 to 65536. Default 256. */
  readonly queueFrames?: number;
  /** Who waits for the interface. Default: the poller of the thread. */
  readonly poller?: Poller;
}

/** Options with all that they left out. */
export interface CheckedOptions extends Required<Omit<LiveOptions, "snapLength">> {
  /** 0 for whole frames. */
  readonly snapLength: number;
}

/** @throws TypeError, RangeError for an impossible option */
export function checkOptions(options: LiveOptions): CheckedOptions {
  const { snapLength, direction = "in", filter = "", mac, poller } = options;
  if (typeof options.interface !== "string" || options.interface === "" || options.interface.includes("\0")) {
    throw new TypeError(`"interface" expected the name of an interface, got ${String(options.interface)}`);
  }
  if (direction !== "in" && direction !== "both") {
    throw new RangeError(`"direction" expected "in" or "both", got ${String(direction)}`);
  }
  return {
    interface: options.interface,
    filter: checkFilter(filter),
    snapLength: snapLength === undefined ? 0 : checkInteger("snapLength", snapLength, 14, LONGEST_SNAP_LENGTH),
    promiscuous: options.promiscuous ?? true,
    immediate: options.immediate ?? true,
    timeoutMs: checkInteger("timeoutMs", options.timeoutMs ?? 10, 1, 10_000),
    direction,
    bufferFrames: checkInteger("bufferFrames", options.bufferFrames ?? 256, 1, 65_536),
    mac: makeLink(mac === undefined ? {} : { mac }).mac,
    queueFrames: checkInteger("queueFrames", options.queueFrames ?? 256, 0, 65_536),
    poller: poller ?? threadPoller(),
  };
}

/** @throws TypeError */
export function checkFilter(filter: string): string {
  if (typeof filter === "string" && !filter.includes("\0")) return filter;
  throw new TypeError(`"filter" expected an expression of pcap-filter(7), got ${String(filter)}`);
}

/** What the interface's MTU is to the card: what VIRTIO has a number for. */
export function cardLink(mac: MacAddress, mtu: number, linkUp: boolean): LinkInfo {
  return { mac, mtu: Math.min(Math.max(mtu, 68), 65_535), linkUp };
}
