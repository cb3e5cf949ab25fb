import { lstatSync, unlinkSync } from "node:fs";
import { Errno } from "./errno.ts";
import { PosixError } from "./errors.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { openSocket, type Socket, SocketDomain } from "./socket.ts";

/**
 * Gives a socket its address. A file of a UNIX socket that nobody has any more is removed first.
 * @param type of `SocketType`
 * @throws PosixError: EADDRINUSE where somebody has the address
 */
export function bindSocket(socket: Socket, address: SocketAddress, type: number): void {
  try {
    socket.bind(address);
  } catch (error) {
    if (!(error instanceof PosixError) || error.errno !== Errno.EADDRINUSE || !isStale(address, type)) throw error;
    removeSocketFile(address);
    socket.bind(address);
  }
}

/** Removes the file of a UNIX socket, if the address has one. */
export function removeSocketFile(address: SocketAddress): void {
  if (!hasPath(address)) return;
  try {
    unlinkSync(address.path);
  } catch {
    // It is gone already, which is what was wanted; or it cannot be, and stays as a file that nobody answers at.
  }
}

/** Whether the file of a UNIX socket is there, but no socket behind it. */
function isStale(address: SocketAddress, type: number): boolean {
  // Who connects to another kind of file is refused just the same.
  if (!hasPath(address) || lstatSync(address.path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  const probe = openSocket(SocketDomain.Unix, type);
  try {
    probe.connect(address);
    return false;
  } catch (error) {
    return error instanceof PosixError && error.errno === Errno.ECONNREFUSED;
  } finally {
    probe.close();
  }
}

function hasPath(address: SocketAddress): address is SocketAddress & { family: "unix" } {
  return address.family === "unix" && address.path !== "" && !address.path.startsWith("\0");
}
