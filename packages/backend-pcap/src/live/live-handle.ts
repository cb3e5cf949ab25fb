import { Fd, viewAt } from "@vmmkit/posix";
import { longestFrame } from "../link.ts";
import { ErrorText, Words } from "./c-memory.ts";
import { type Libpcap, libpcap } from "./libpcap.ts";
import { LiveCaptureError } from "./live-error.ts";
import type { CheckedOptions } from "./live-options.ts";
import { ringBytes } from "./ring-size.ts";

const DLT_EN10MB = 1;
const PCAP_D_INOUT = 0;
const PCAP_D_IN = 1;
const PCAP_ERROR_PERM_DENIED = -8;
const PCAP_NETMASK_UNKNOWN = 0xffff_ffff;

/** `struct pcap_pkthdr` on 64-bit Linux: a time of 16 bytes, then the bytes captured and the frame's length. */
const HEADER_BYTES = 24;
const HEADER_CAPTURED = 4;
const HEADER_LENGTH = 5;

/** What `next` found. */
export const Next = { Trouble: -1, Nothing: 0, Frame: 1 } as const;
export type Next = (typeof Next)[keyof typeof Next];

const NOTHING = new Uint8Array(0);
const NO_HEADER = new Uint32Array(HEADER_BYTES / 4);

/** An interface that libpcap has opened (C: `pcap_t`). */
export class LiveHandle {
  /** For waiting, and for sending: a packet socket on the interface. */
  readonly fd: Fd;
  /** The frame that `next` found: bytes captured, and its length on the wire. */
  capturedBytes = 0;
  lengthBytes = 0;
  /** Its bytes; behind them what is left of others. Good until the next `next`. */
  data: Uint8Array = NOTHING;
  readonly #name: string;
  readonly #library: Libpcap;
  readonly #handle: number;
  readonly #snapLength: number;
  /** What `pcap_next_ex` answers: where the frame's header is, and where the frame is. */
  readonly #found: Words = new Words(4);
  readonly #counts: Words = new Words(3);
  #header: Uint32Array = NO_HEADER;
  #headerAddress = 0;
  #dataAddress = 0;
  #closed = false;

  /**
   * @param mtu of the interface
   * @throws LiveCaptureError
   */
  constructor(options: CheckedOptions, mtu: number) {
    const library = libpcap();
    const error = new ErrorText();
    this.#library = library;
    this.#name = options.interface;
    this.#handle = Number(library.pcap_create(options.interface, error.address));
    if (this.#handle === 0) throw new LiveCaptureError(this.#name, error.text);
    try {
      this.#snapLength = this.#configure(options, mtu);
      this.#activate();
      this.#check(library.pcap_setdirection(this.#handle, options.direction === "in" ? PCAP_D_IN : PCAP_D_INOUT));
      this.#check(library.pcap_setnonblock(this.#handle, 1, error.address));
      if (options.filter !== "") this.setFilter(options.filter);
      this.fd = duplicate(Number(library.pcap_get_selectable_fd(this.#handle)));
    } catch (reason) {
      this.#free();
      throw reason;
    }
  }

  /** Looks for the next frame. Nothing is allocated. */
  next(): Next {
    const found = this.#found;
    const result = Number(this.#library.pcap_next_ex(this.#handle, found.address, found.address + 8));
    if (result <= 0) return result === 0 ? Next.Nothing : Next.Trouble;
    const headerAddress = found.pointer(0);
    const dataAddress = found.pointer(2);
    // libpcap has one place for headers and one for frames; it is looked at again and again.
    if (headerAddress !== this.#headerAddress) {
      this.#header = new Uint32Array(viewAt(headerAddress, HEADER_BYTES).buffer);
      this.#headerAddress = headerAddress;
    }
    if (dataAddress !== this.#dataAddress) {
      this.data = viewAt(dataAddress, this.#snapLength);
      this.#dataAddress = dataAddress;
    }
    this.capturedBytes = Math.min(this.#header[HEADER_CAPTURED] ?? 0, this.#snapLength);
    this.lengthBytes = this.#header[HEADER_LENGTH] ?? 0;
    return Next.Frame;
  }

  /** Chooses frames from now on; "" takes all. @throws LiveCaptureError for an expression that makes no sense */
  setFilter(filter: string): void {
    const library = this.#library;
    // `struct bpf_program`: a count and an address.
    const program = new Words(4);
    this.#check(library.pcap_compile(this.#handle, program.address, filter, 1, PCAP_NETMASK_UNKNOWN), `"${filter}"`);
    try {
      this.#check(library.pcap_setfilter(this.#handle, program.address), `"${filter}"`);
    } finally {
      library.pcap_freecode(program.address);
    }
  }

  /** How many frames the kernel threw away since the interface was opened, as nobody had taken those before. */
  kernelDrops(): number {
    const counts = this.#counts;
    // `struct pcap_stat`: received, dropped, dropped by the interface.
    return Number(this.#library.pcap_stats(this.#handle, counts.address)) < 0 ? 0 : (counts.words[1] ?? 0);
  }

  /** What is wrong, in libpcap's words. */
  problem(): string {
    return String(this.#library.pcap_geterr(this.#handle));
  }

  /** A second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.fd.close();
    this.#free();
  }

  #free(): void {
    // The views are of memory that is gone from here on.
    this.data = NOTHING;
    this.#header = NO_HEADER;
    this.#library.pcap_close(this.#handle);
  }

  #configure(options: CheckedOptions, mtu: number): number {
    const library = this.#library;
    // One more than the link's longest shows that a frame is too long, whatever else is cut.
    const snapLength = options.snapLength || longestFrame({ mac: options.mac, mtu }) + 1;
    library.pcap_set_snaplen(this.#handle, snapLength);
    library.pcap_set_promisc(this.#handle, options.promiscuous ? 1 : 0);
    library.pcap_set_immediate_mode(this.#handle, options.immediate ? 1 : 0);
    library.pcap_set_timeout(this.#handle, options.timeoutMs);
    library.pcap_set_buffer_size(this.#handle, ringBytes(snapLength, options.bufferFrames, options.immediate));
    return snapLength;
  }

  #activate(): void {
    const library = this.#library;
    const status = Number(library.pcap_activate(this.#handle));
    if (status < 0) {
      const hint = status === PCAP_ERROR_PERM_DENIED ? "run as root, or give node CAP_NET_RAW (setcap)" : undefined;
      throw new LiveCaptureError(this.#name, describe(library, this.#handle, status), hint);
    }
    const type = Number(library.pcap_datalink(this.#handle));
    if (type !== DLT_EN10MB) {
      const name = library.pcap_datalink_val_to_name(type) ?? `link type ${type}`;
      throw new LiveCaptureError(this.#name, `expected an Ethernet interface, this one is ${String(name)}`);
    }
  }

  #check(result: unknown, what?: string): void {
    if (Number(result) >= 0) return;
    throw new LiveCaptureError(this.#name, what === undefined ? this.problem() : `${what}: ${this.problem()}`);
  }
}

/** libpcap has a sentence for each status, and sometimes a longer one beside. */
function describe(library: Libpcap, handle: number, status: number): string {
  const short = String(library.pcap_statustostr(status));
  const long = String(library.pcap_geterr(handle));
  if (long === "" || short.includes(long)) return short;
  // "Generic error" says nothing that the longer sentence does not.
  return status === -1 ? long : `${short} (${long})`;
}

/** libpcap closes its own descriptor; ours is another one of the same socket. */
function duplicate(number: number): Fd {
  const theirs = new Fd(number);
  const ours = theirs.duplicate();
  theirs.release();
  ours.setNonBlocking(true);
  return ours;
}
