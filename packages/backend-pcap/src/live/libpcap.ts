import { type LibraryFunctions, loadLibrary, type Signatures, UnsupportedPlatformError } from "@vmmkit/posix";

/** What is used of libpcap. Pointers are numbers: addresses. */
type PcapFunction =
  | "pcap_activate"
  | "pcap_close"
  | "pcap_compile"
  | "pcap_create"
  | "pcap_datalink"
  | "pcap_datalink_val_to_name"
  | "pcap_findalldevs"
  | "pcap_freealldevs"
  | "pcap_freecode"
  | "pcap_get_selectable_fd"
  | "pcap_geterr"
  | "pcap_lib_version"
  | "pcap_next_ex"
  | "pcap_set_buffer_size"
  | "pcap_set_immediate_mode"
  | "pcap_set_promisc"
  | "pcap_set_snaplen"
  | "pcap_set_timeout"
  | "pcap_setdirection"
  | "pcap_setfilter"
  | "pcap_setnonblock"
  | "pcap_stats"
  | "pcap_statustostr";

/** libpcap's functions, by their names in C. */
export type Libpcap = LibraryFunctions<PcapFunction>;

const HANDLE = "uintptr_t";
const ADDRESS = "uintptr_t";

/**
 * JUSTIFICATION: Node cannot capture from an interface.
 * SAFETY: the signatures are those of pcap/pcap.h, which have not changed since libpcap 1.5 (immediate mode came then).
 */
const SIGNATURES: Signatures<PcapFunction> = {
  pcap_activate: ["int", [HANDLE]],
  pcap_close: ["void", [HANDLE]],
  pcap_compile: ["int", [HANDLE, ADDRESS, "str", "int", "uint"]],
  pcap_create: [HANDLE, ["str", ADDRESS]],
  pcap_datalink: ["int", [HANDLE]],
  pcap_datalink_val_to_name: ["str", ["int"]],
  pcap_findalldevs: ["int", [ADDRESS, ADDRESS]],
  pcap_freealldevs: ["void", [ADDRESS]],
  pcap_freecode: ["void", [ADDRESS]],
  pcap_get_selectable_fd: ["int", [HANDLE]],
  pcap_geterr: ["str", [HANDLE]],
  pcap_lib_version: ["str", []],
  pcap_next_ex: ["int", [HANDLE, ADDRESS, ADDRESS]],
  pcap_set_buffer_size: ["int", [HANDLE, "int"]],
  pcap_set_immediate_mode: ["int", [HANDLE, "int"]],
  pcap_set_promisc: ["int", [HANDLE, "int"]],
  pcap_set_snaplen: ["int", [HANDLE, "int"]],
  pcap_set_timeout: ["int", [HANDLE, "int"]],
  pcap_setdirection: ["int", [HANDLE, "int"]],
  pcap_setfilter: ["int", [HANDLE, ADDRESS]],
  pcap_setnonblock: ["int", [HANDLE, "int", ADDRESS]],
  pcap_stats: ["int", [HANDLE, ADDRESS]],
  pcap_statustostr: ["str", ["int"]],
};

/** Names of the library: most distributions', and Debian's. */
const FILES: readonly string[] = ["libpcap.so.1", "libpcap.so.0.8"];

let loaded: Libpcap | null = null;

/** libpcap, loaded when it is first asked for. @throws UnsupportedPlatformError where there is none */
export function libpcap(): Libpcap {
  loaded ??= loadLibpcap(FILES);
  return loaded;
}

/** @throws UnsupportedPlatformError in one line that says what to do */
export function loadLibpcap(files: readonly string[]): Libpcap {
  try {
    return loadLibrary(files, SIGNATURES);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnsupportedPlatformError(
      `live capture needs libpcap (Debian: apt-get install libpcap0.8; others: libpcap): ${reason.replace(/\s+/g, " ")}`,
    );
  }
}

/** The library in its own words: "libpcap version 1.10.3 (with TPACKET_V3)". @throws UnsupportedPlatformError */
export function libpcapVersion(): string {
  return String(libpcap().pcap_lib_version());
}
