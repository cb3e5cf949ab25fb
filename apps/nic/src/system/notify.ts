import { openSocket, SocketDomain, SocketType } from "@vmmkit/posix";

/**
 * Tells the service manager how it goes (sd_notify(3)), where there is one that wants to know: NOTIFY_SOCKET.
 * @param state "READY=1", "STOPPING=1"
 */
export function notifyManager(state: string, env: NodeJS.ProcessEnv = process.env): void {
  const path = env["NOTIFY_SOCKET"];
  if (path === undefined || path === "") return;
  const socket = openSocket(SocketDomain.Unix, SocketType.Datagram);
  try {
    // "@" stands for the zero byte of an abstract address.
    socket.connect({ family: "unix", path: path.replace(/^@/, "\0") });
    socket.fd.write(new TextEncoder().encode(state));
  } finally {
    socket.close();
  }
}
