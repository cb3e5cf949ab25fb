import type { Socket, SocketAddress } from "@vmmkit/posix";

/** Told of a connection. The socket is the listener's from now on. */
export type OnConnection = (socket: Socket) => void;

/** Where a stream's connections come from, one at a time. */
export interface StreamSource {
  /** The address that others connect to, or null. */
  readonly localAddress: SocketAddress | null;
  /** What it does, for people. */
  readonly description: string;
  /** Looks for the first connection. `onConnection` may be called from within. */
  start(onConnection: OnConnection): void;
  /**
   * The connection is over; looks for the next.
   * @param worked whether frames came over it
   */
  again(worked: boolean): void;
  /** Looks no more. A second call does nothing. */
  close(): void;
}
