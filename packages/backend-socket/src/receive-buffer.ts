import type { Socket } from "@vmmkit/posix";

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** Room for bursts. The kernel gives as much as the administrator allows (net.core.rmem_max). */
const WANTED_BYTES = 1 << 20;

/** Asks for a long receive queue: what does not fit into it is lost without a word. */
export function growReceiveBuffer(socket: Socket): void {
  socket.setOption(SOL_SOCKET, SO_RCVBUF, WANTED_BYTES);
}
