import { openSocket, type Socket, type SocketAddress, SocketType } from "@vmmkit/posix";
import { domainOf, formatAddress } from "./address.ts";
import type { DatagramPort } from "./datagram-port.ts";
import { growReceiveBuffer } from "./receive-buffer.ts";

/**
 * UDP between two addresses. The socket is connected, so the kernel lets in nothing from others. Whether there is a
 * peer cannot be known: the link is always up.
 */
export class UdpPort implements DatagramPort {
  readonly receiving: Socket;
  readonly sending: Socket;
  readonly localAddress: SocketAddress | null;
  readonly description: string;
  readonly up = true;

  /** @param local null for any port @throws PosixError where the address cannot be had */
  constructor(local: SocketAddress | null, remote: SocketAddress) {
    const socket = openSocket(domainOf(remote), SocketType.Datagram);
    try {
      if (local !== null) socket.bind(local);
      socket.connect(remote);
      growReceiveBuffer(socket);
      this.localAddress = socket.localAddress();
    } catch (error) {
      socket.close();
      throw error;
    }
    this.receiving = socket;
    this.sending = socket;
    this.description = `udp ${formatAddress(remote)}`;
  }

  start(): void {
    // Nothing ever changes.
  }

  refused(): boolean {
    // The error was about a datagram before this one, which has not been tried yet.
    return true;
  }

  close(): void {
    this.receiving.close();
  }
}
