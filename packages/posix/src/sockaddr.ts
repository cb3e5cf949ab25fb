import { isIPv4, isIPv6 } from "node:net";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
/** `sun_path` in bytes. */
const UNIX_PATH_BYTES = 108;
/** `struct sockaddr_storage`: more than any address takes. */
export const SOCKADDR_BYTES = 128;

/** Where a socket is, or is to go. */
export type SocketAddress =
  | { readonly family: "unix" /** A file's path, or "\0name" without a file, or "" for none. */; readonly path: string }
  | { readonly family: "ipv4"; readonly address: string; readonly port: number }
  | {
      readonly family: "ipv6";
      readonly address: string;
      readonly port: number /** Interface for link-local ones. */;
      readonly scopeId?: number;
    };

/**
 * An address as the kernel wants it (C: `struct sockaddr_un`, `sockaddr_in`, `sockaddr_in6`).
 * @throws RangeError for one that there cannot be
 */
export function encodeAddress(address: SocketAddress): Uint8Array {
  if (address.family === "unix") return encodeUnix(address.path);
  const { port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`"port" expected an integer from 0 to 65535, got ${port}`);
  }
  const bytes = new Uint8Array(address.family === "ipv4" ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family === "ipv4" ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  if (address.family === "ipv4") bytes.set(ipv4Bytes(address.address), 4);
  else {
    bytes.set(ipv6Bytes(address.address), 8);
    view.setUint32(24, address.scopeId ?? 0, true);
  }
  return bytes;
}

/** An address as the kernel said it, or null for a family that is not known here. */
export function decodeAddress(bytes: Uint8Array): SocketAddress | null {
  if (bytes.length < 2) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = view.getUint16(0, true);
  if (family === AF_UNIX) return { family: "unix", path: decodeUnix(bytes.subarray(2)) };
  if (family === AF_INET && bytes.length >= 16) {
    return { family: "ipv4", address: bytes.subarray(4, 8).join("."), port: view.getUint16(2) };
  }
  if (family === AF_INET6 && bytes.length >= 28) {
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16));
    return { family: "ipv6", address: groups.join(":"), port: view.getUint16(2), scopeId: view.getUint32(24, true) };
  }
  return null;
}

/** The four bytes of "192.0.2.1". @throws RangeError */
export function ipv4Bytes(address: string): Uint8Array {
  if (!isIPv4(address)) throw new RangeError(`"address" expected an IPv4 address, got "${address}"`);
  return Uint8Array.from(address.split("."), Number);
}

/** The sixteen bytes of "2001:db8::1". @throws RangeError */
export function ipv6Bytes(address: string): Uint8Array {
  if (!isIPv6(address) || address.includes("%")) {
    throw new RangeError(`"address" expected an IPv6 address without a zone, got "${address}"`);
  }
  // "::ffff:192.0.2.1" ends as an IPv4 address does.
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  const tail = dotted === undefined ? [] : [...ipv4Bytes(dotted)];
  const text = dotted === undefined ? address : address.slice(0, -dotted.length).replace(/([^:]):$/, "$1");
  const [front = "", back] = text.split("::");
  const before = groupBytes(front);
  const after = [...groupBytes(back ?? ""), ...tail];
  return Uint8Array.from([...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]);
}

function groupBytes(text: string): number[] {
  return text
    .split(":")
    .filter((group) => group !== "")
    .flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    });
}

function encodeUnix(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  const abstract = name[0] === 0;
  // A path ends with a zero; a name without a file is as long as it says.
  const length = name.length === 0 ? 0 : name.length + (abstract ? 0 : 1);
  if (length > UNIX_PATH_BYTES || (!abstract && name.includes(0))) {
    throw new RangeError(`"path" expected at most ${UNIX_PATH_BYTES - 1} bytes without zeros, got "${path}"`);
  }
  const bytes = new Uint8Array(2 + length);
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  return bytes;
}

function decodeUnix(bytes: Uint8Array): string {
  const end = bytes[0] === 0 ? -1 : bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
