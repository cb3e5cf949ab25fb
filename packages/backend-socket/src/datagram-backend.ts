import { encodeAddress, type Fd, Socket, type SocketAddress, threadPoller } from "@vmmkit/posix";
import { Backoff, type ReconnectOptions } from "./backoff.ts";
import { Counters } from "./counters.ts";
import { DatagramCard } from "./datagram-card.ts";
import type { DatagramPort } from "./datagram-port.ts";
import { GivenPort } from "./given-port.ts";
import { type LinkOptions, makeLink } from "./link.ts";
import { type MulticastOptions, MulticastPort } from "./multicast-port.ts";
import type { SocketBackend, WaitOptions } from "./socket-backend.ts";
import { UdpPort } from "./udp-port.ts";
import { UnixPort } from "./unix-port.ts";

/** Options of `datagramBackend`: exactly one of `remote`, `multicast` and `fd`. */
export interface DatagramOptions extends LinkOptions, WaitOptions {
  /** Where frames go to, and come from: UDP, or a UNIX socket's path. */
  readonly remote?: SocketAddress;
  /**
   * With `remote`: our own address, to which the peer sends. For UDP it may be left out, and is any port then; for
   * UNIX as well, and is a name without a file then, which a peer learns when it is sent to.
   */
  readonly local?: SocketAddress;
  /** A UDP multicast group as a wire that any number share. */
  readonly multicast?: MulticastOptions;
  /** A connected datagram socket, UNIX or UDP; it is the backend's from now on. */
  readonly fd?: Fd;
  /** With a UNIX `remote`: when to look for it again where it is not there. */
  readonly reconnect?: ReconnectOptions;
}

/** The longest payload that UDP carries, less an Ethernet header with VLAN tag. */
const UDP_MAX_MTU = 65507 - 18;

const UNNAMED: SocketAddress = { family: "unix", path: "" };

/**
 * A backend whose frames go as datagrams, one each: what QEMU calls `-netdev dgram`. For UNIX sockets the carrier is
 * there while somebody is at the path; for UDP it always is. UDP loses frames, as networks do.
 * @throws TypeError, RangeError for an impossible option; PosixError where an address cannot be had
 */
export function datagramBackend(options: DatagramOptions): SocketBackend {
  const unix = options.remote?.family === "unix" || options.fd !== undefined;
  const link = makeLink(options, unix ? 65535 : UDP_MAX_MTU);
  const counters = new Counters();
  const poller = options.poller ?? threadPoller();
  const card = new DatagramCard(link, counters, makePort(options, counters), poller);
  return {
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame) => card.transmit(frame),
    rawPoll: () => card.poll(),
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => link.mac,
    printState: () => card.describe(),
    close: async () => card.close(),
    localAddress: card.localAddress,
    whenUp: () => card.whenUp(),
    stats: () => counters.snapshot(card.up),
  };
}

function makePort(options: DatagramOptions, counters: Counters): DatagramPort {
  const { local, remote, multicast, fd, reconnect } = options;
  const given = [remote, multicast, fd].filter((value) => value !== undefined).length;
  if (given !== 1) throw new TypeError(`"options" expected exactly one of remote, multicast and fd, got ${given}`);
  if (local !== undefined && (remote === undefined || isUnix(local) !== isUnix(remote))) {
    throw new TypeError(`"local" expected an address of the same kind as "remote", got ${local.family}`);
  }
  if (multicast !== undefined) return new MulticastPort(multicast);
  if (fd !== undefined) return new GivenPort(new Socket(fd));
  if (remote === undefined) throw new TypeError('"remote" expected an address, got undefined');
  encodeAddress(remote);
  if (isUnix(remote)) return new UnixPort(local ?? UNNAMED, remote, new Backoff(reconnect), counters);
  return new UdpPort(local ?? null, remote);
}

function isUnix(address: SocketAddress): boolean {
  return address.family === "unix";
}
