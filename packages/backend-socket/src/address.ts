import { type SocketAddress, SocketDomain } from "@vmmkit/posix";

/** The domain of an address' sockets. */
export function domainOf(address: SocketAddress): number {
  if (address.family === "unix") return SocketDomain.Unix;
  return address.family === "ipv4" ? SocketDomain.Ipv4 : SocketDomain.Ipv6;
}

/** An address for people: "unix:/run/vm.sock", "127.0.0.1:1234", "[::1]:1234". */
export function formatAddress(address: SocketAddress): string {
  if (address.family === "unix") return `unix:${address.path.replace("\0", "@")}`;
  const { address: host, port } = address;
  return address.family === "ipv4" ? `${host}:${port}` : `[${host}]:${port}`;
}
