import { MAC_BYTES, type MacAddress } from "@vmmkit/ethif";
import { copyFromAddress, decodeAddress, readCString } from "@vmmkit/posix";
import { ErrorText, Words } from "./c-memory.ts";
import { type Libpcap, libpcap } from "./libpcap.ts";
import { LiveCaptureError } from "./live-error.ts";

/** An interface of the host that libpcap can capture from. */
export interface HostInterface {
  /** What `liveBackend` takes. */
  readonly name: string;
  /** What the system says about it, or null. */
  readonly description: string | null;
  readonly loopback: boolean;
  /** It is turned on. */
  readonly up: boolean;
  /** It is on and has a carrier. */
  readonly running: boolean;
  /** Its hardware address, or null. */
  readonly mac: MacAddress | null;
  /** Its IPv4 and IPv6 addresses: "192.0.2.1". */
  readonly addresses: readonly string[];
}

/** `struct pcap_if`: next, name, description, addresses (64 bits each), flags (32 bits). */
const IF_WORDS = 10;
const IF_NAME = 2;
const IF_DESCRIPTION = 4;
const IF_ADDRESSES = 6;
const IF_FLAGS = 8;

const PCAP_IF_LOOPBACK = 1;
const PCAP_IF_UP = 2;
const PCAP_IF_RUNNING = 4;

/** `struct pcap_addr`: next, address, and more that is not looked at. */
const ADDR_WORDS = 4;
const ADDR_SOCKADDR = 2;

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
/** `struct sockaddr_in`, `sockaddr_in6` and `sockaddr_ll`. */
const SOCKADDR_BYTES = new Map([
  [AF_INET, 16],
  [AF_INET6, 28],
  [AF_PACKET, 20],
]);
/** In `struct sockaddr_ll`: how long the hardware address is, and where. */
const SLL_LENGTH = 11;
const SLL_ADDRESS = 12;

/**
 * The host's interfaces that this process can capture from.
 * @throws UnsupportedPlatformError without libpcap; LiveCaptureError where it cannot look
 */
export function listInterfaces(): HostInterface[] {
  const library = libpcap();
  const first = new Words(2);
  const error = new ErrorText();
  if (Number(library.pcap_findalldevs(first.address, error.address)) < 0) throw new LiveCaptureError("any", error.text);
  try {
    return [...list(first.pointer(0), IF_WORDS)].map(describe);
  } finally {
    freeAll(library, first.pointer(0));
  }
}

function freeAll(library: Libpcap, first: number): void {
  if (first !== 0) library.pcap_freealldevs(first);
}

/** The structures of a list in C, each of which starts with the address of the next. */
function* list(first: number, wordCount: number): Generator<Words> {
  for (let address = first; address !== 0; ) {
    const entry = new Words(wordCount);
    copyFromAddress(address, new Uint8Array(entry.words.buffer));
    yield entry;
    address = entry.pointer(0);
  }
}

function describe(entry: Words): HostInterface {
  const flags = entry.words[IF_FLAGS] ?? 0;
  const sockets = [...list(entry.pointer(IF_ADDRESSES), ADDR_WORDS)].flatMap((address) =>
    readSocketAddress(address.pointer(ADDR_SOCKADDR)),
  );
  return {
    name: readCString(entry.pointer(IF_NAME)) ?? "",
    description: readCString(entry.pointer(IF_DESCRIPTION)),
    loopback: (flags & PCAP_IF_LOOPBACK) !== 0,
    up: (flags & PCAP_IF_UP) !== 0,
    running: (flags & PCAP_IF_RUNNING) !== 0,
    mac: sockets.map(macOf).find((mac) => mac !== null) ?? null,
    addresses: sockets.flatMap(textOf),
  };
}

function readSocketAddress(address: number): Uint8Array[] {
  if (address === 0) return [];
  const family = new Uint8Array(2);
  copyFromAddress(address, family);
  const bytes = new Uint8Array(SOCKADDR_BYTES.get((family[0] ?? 0) | ((family[1] ?? 0) << 8)) ?? 0);
  copyFromAddress(address, bytes);
  return bytes.length === 0 ? [] : [bytes];
}

function macOf(bytes: Uint8Array): MacAddress | null {
  const isHardware = bytes[0] === AF_PACKET && bytes[SLL_LENGTH] === MAC_BYTES;
  return isHardware ? bytes.slice(SLL_ADDRESS, SLL_ADDRESS + MAC_BYTES) : null;
}

function textOf(bytes: Uint8Array): string[] {
  const decoded = decodeAddress(bytes);
  return decoded === null || decoded.family === "unix" ? [] : [decoded.address];
}
