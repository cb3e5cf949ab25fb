import { encodeAddress, type Fd, type Poller, Socket, type SocketAddress, threadPoller } from "@vmmkit/posix";
import { Backoff, type ReconnectOptions } from "./backoff.ts";
import { Counters } from "./counters.ts";
import { Dialer } from "./dialer.ts";
import { GivenSource } from "./given-source.ts";
import { type LinkOptions, makeLink } from "./link.ts";
import { Listener } from "./listener.ts";
import type { SocketBackend, WaitOptions } from "./socket-backend.ts";
import { StreamCard } from "./stream-card.ts";
import type { StreamSource } from "./stream-source.ts";

/** Options of `streamBackend`: exactly one of `connect`, `listen` and `fd`. */
export interface StreamOptions extends LinkOptions, WaitOptions {
  /** Connect to whoever listens there, and again whenever the connection is lost. UNIX or TCP. */
  readonly connect?: SocketAddress;
  /** Let others connect there, one at a time. UNIX or TCP; port 0 is any, and `localAddress` tells which. */
  readonly listen?: SocketAddress;
  /** A connected stream socket; it is the backend's from now on. When it is over, the link stays down. */
  readonly fd?: Fd;
  /** With `connect`: when to try again. false tries once. */
  readonly reconnect?: ReconnectOptions | false;
}

/**
 * A backend whose frames go over a stream, each behind its length (32 bits, big-endian): what QEMU calls
 * `-netdev stream`, and what `passt` speaks. The carrier is there while there is a connection.
 * @throws TypeError, RangeError for an impossible option; PosixError where the address to listen at cannot be had
 */
export function streamBackend(options: StreamOptions): SocketBackend {
  const link = makeLink(options);
  const counters = new Counters();
  const poller = options.poller ?? threadPoller();
  const source = makeSource(options, counters, poller);
  const isTcp = [options.connect, options.listen].some((address) => address !== undefined && address.family !== "unix");
  const card = new StreamCard(link, counters, source, poller, isTcp);
  return {
    lowLevelInit: (driver) => card.init(driver),
    rawTx: (_driver, frame) => card.transmit(frame),
    rawTxFlush: () => card.flush(),
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

function makeSource(options: StreamOptions, counters: Counters, poller: Poller): StreamSource {
  const { connect, listen, fd, reconnect } = options;
  const given = [connect, listen, fd].filter((value) => value !== undefined).length;
  if (given !== 1) throw new TypeError(`"options" expected exactly one of connect, listen and fd, got ${given}`);
  const backoff = reconnect === false ? null : new Backoff(reconnect);
  if (connect !== undefined) {
    encodeAddress(connect);
    return new Dialer(connect, backoff, counters, poller);
  }
  if (listen !== undefined) return new Listener(listen, counters, poller);
  if (fd === undefined) throw new TypeError('"fd" expected a descriptor, got undefined');
  return new GivenSource(new Socket(fd));
}
