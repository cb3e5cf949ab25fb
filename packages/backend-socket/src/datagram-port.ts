import type { Socket, SocketAddress } from "@vmmkit/posix";

/** Sockets that carry a datagram for each frame. */
export interface DatagramPort {
  /** Where datagrams are read. */
  readonly receiving: Socket;
  /** Where they are written; mostly the same. It is connected: who writes names no address. */
  readonly sending: Socket;
  /** Where others send to, or null. */
  readonly localAddress: SocketAddress | null;
  /** What it does, for people. */
  readonly description: string;
  /** Whether there is a peer, as far as that can be known. */
  readonly up: boolean;
  /** From now on `onChange` is called whenever `up` has changed. */
  start(onChange: () => void): void;
  /**
   * A datagram found nobody. Whoever may be there now is looked for.
   * @returns whether it is worth trying again at once
   */
  refused(): boolean;
  /** Closes everything. A second call does nothing. */
  close(): void;
}
