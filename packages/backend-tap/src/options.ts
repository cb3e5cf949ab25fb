import { isMulticast, MAC_BYTES, type MacAddress, randomMac } from "@vmmkit/ethif";
import { type Fd, type Poller, threadPoller } from "@vmmkit/posix";
import { checkInterfaceName } from "./ifreq.ts";
import { ALL_OFFLOADS } from "./offloads.ts";

/** The kernel gives an interface no more (`MAX_TAP_QUEUES`). */
const MAX_QUEUES = 256;

/** Options of `tapBackend`. */
export interface TapOptions {
  /**
   * The interface's name, or a pattern with `%d` for the first free number. One that exists is attached to; one that
   * does not is made, and goes when the backend is closed. Default "vmm%d".
   */
  readonly name?: string;
  /** Attach only: where there is no interface of that name it is an error, and none is made. Default false. */
  readonly existing?: boolean;
  /**
   * A descriptor of a TAP interface that somebody else opened, instead of `name`; or several, a queue each of the same
   * interface. With IFF_NO_PI, which the kernel does not let us verify, and with or without IFF_VNET_HDR. They are the
   * backend's from now on.
   */
  readonly fd?: Fd | readonly Fd[];
  /** The card's address. Copied. Default: a random one. Not that of the host's end. */
  readonly mac?: MacAddress;
  /** Largest payload of a frame in bytes, 68 to 65521; set on the interface. Default: what the interface has. */
  readonly mtu?: number;
  /** Bring the interface up. Default: where it was made here. */
  readonly up?: boolean;
  /** The address of the host's end. Default: as it is. */
  readonly hostMac?: MacAddress;
  /** A bridge to make the interface a port of. Default none. */
  readonly bridge?: string;
  /**
   * Frames carry the virtio-net header, so that checksums and segmentation can be left to the other side: its
   * length in bytes, 10 or 12; `true` is 12. Default false. With `fd` it is as the descriptor has it.
   */
  readonly vnetHeader?: boolean | 10 | 12;
  /**
   * With `vnetHeader`: what the kernel may leave to the guest, bits of `Offload`. What it does not know is left out.
   * Default all.
   */
  readonly offloads?: number;
  /**
   * Queue pairs: a descriptor each of one interface (IFF_MULTI_QUEUE), 1 to 256. The kernel spreads flows over those
   * that the guest uses. Default 1, or as many as there are descriptors in `fd`.
   */
  readonly queues?: number;
  /** Open an interface that has several queues (IFF_MULTI_QUEUE) though `queues` is 1. Default false. */
  readonly multiQueue?: boolean;
  /** Bytes of frames on their way into the kernel before `rawTx` has to wait (TUNSETSNDBUF). Default no limit. */
  readonly sendBufferBytes?: number;
  /** Whether the interface stays when the backend is closed (TUNSETPERSIST). Default: as it is. */
  readonly persistent?: boolean;
  /** Frames that wait (`Enqueued`) while the kernel takes none; those beyond are dropped. Default 256. */
  readonly queueFrames?: number;
  /** Frames that are read before others have their turn. Default 64. */
  readonly batchFrames?: number;
  /**
   * Whether many frames go with one system call (io_uring), where the kernel lets us. Otherwise each has one of its own.
   * Default true.
   */
  readonly batchedCalls?: boolean;
  /** Who waits for the interface. Default: the poller of the thread. */
  readonly poller?: Poller;
}

/** Options with nothing left open that has a default. */
export interface CheckedOptions {
  readonly name: string;
  readonly existing: boolean;
  /** Empty where the interface is to be opened by its name. */
  readonly fds: readonly Fd[];
  readonly mac: MacAddress;
  readonly mtu: number | undefined;
  readonly up: boolean | undefined;
  readonly hostMac: MacAddress | undefined;
  readonly bridge: string | undefined;
  readonly vnetHeader: number;
  readonly offloads: number;
  readonly queues: number;
  readonly multiQueue: boolean;
  readonly sendBufferBytes: number | undefined;
  readonly persistent: boolean | undefined;
  readonly queueFrames: number;
  readonly batchFrames: number;
  readonly batchedCalls: boolean;
  readonly poller: Poller;
}

/** @throws TypeError, RangeError for an impossible option */
export function checkOptions(options: TapOptions): CheckedOptions {
  const { name, mac, hostMac, mtu, bridge, sendBufferBytes, vnetHeader = false } = options;
  const fds = checkDescriptors(options);
  const queues = checkInteger("queues", options.queues ?? Math.max(1, fds.length), 1, MAX_QUEUES);
  if (vnetHeader !== true && vnetHeader !== false && vnetHeader !== 10 && vnetHeader !== 12) {
    throw new RangeError(`"vnetHeader" expected true, false, 10 or 12, got ${String(vnetHeader)}`);
  }
  if (mtu !== undefined) checkInteger("mtu", mtu, 68, 65521);
  if (bridge !== undefined) checkInterfaceName("bridge", bridge);
  if (sendBufferBytes !== undefined) checkInteger("sendBufferBytes", sendBufferBytes, 1, 0x7fff_ffff);
  return {
    name: checkPattern(name ?? "vmm%d"),
    existing: options.existing ?? false,
    fds,
    mac: mac === undefined ? randomMac() : checkMac("mac", mac),
    mtu,
    up: options.up,
    hostMac: hostMac === undefined ? undefined : checkMac("hostMac", hostMac),
    bridge,
    vnetHeader: vnetHeader === true ? 12 : vnetHeader === false ? 0 : vnetHeader,
    offloads: checkInteger("offloads", options.offloads ?? ALL_OFFLOADS, 0, ALL_OFFLOADS),
    queues,
    multiQueue: (options.multiQueue ?? false) || queues > 1,
    sendBufferBytes,
    persistent: options.persistent,
    queueFrames: checkInteger("queueFrames", options.queueFrames ?? 256, 0, 65536),
    batchFrames: checkInteger("batchFrames", options.batchFrames ?? 64, 1, 4096),
    batchedCalls: options.batchedCalls ?? true,
    poller: options.poller ?? threadPoller(),
  };
}

/** @throws RangeError where `value` is not an integer from `min` to `max` */
export function checkInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected an integer from ${min} to ${max}, got ${value}`);
  }
  return value;
}

function checkDescriptors({ fd, name, queues }: TapOptions): readonly Fd[] {
  if (fd === undefined) return [];
  if (name !== undefined) throw new TypeError('"name" expected nothing beside "fd"');
  const fds = Array.isArray(fd) ? [...(fd as readonly Fd[])] : [fd as Fd];
  if (fds.length === 0) throw new RangeError('"fd" expected at least one descriptor');
  if (queues !== undefined && queues !== fds.length) {
    throw new RangeError(`"queues" expected as many as there are descriptors, ${fds.length}, got ${queues}`);
  }
  return fds;
}

function checkPattern(name: string): string {
  checkInterfaceName("name", name);
  if (name.replace("%d", "").includes("%")) throw new RangeError(`"name" expected at most one "%d", got "${name}"`);
  return name;
}

function checkMac(name: string, mac: MacAddress): MacAddress {
  if (!(mac instanceof Uint8Array) || mac.length !== MAC_BYTES) {
    throw new TypeError(`"${name}" expected ${MAC_BYTES} bytes, got ${String(mac)}`);
  }
  if (isMulticast(mac)) throw new RangeError(`"${name}" expected the address of one station, got ${String(mac)}`);
  return mac.slice();
}
