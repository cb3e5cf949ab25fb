import type { Backend } from "@vmmkit/ethif";
import type { Poller, SocketAddress } from "@vmmkit/posix";
import type { SocketStats } from "./counters.ts";

/** Who waits. */
export interface WaitOptions {
  /** Who waits for the socket. Default: the poller of the thread. */
  readonly poller?: Poller;
}

/** A backend over a socket. */
export interface SocketBackend extends Backend {
  /** Where it can be reached: what it listens at or receives at; null for a connection that it makes. */
  readonly localAddress: SocketAddress | null;
  /** Resolves when there is a peer: at once where there is one already. */
  whenUp(): Promise<void>;
  /** What was counted so far. */
  stats(): SocketStats;
}
