import { constants, readFileSync } from "node:fs";
import { libpcapVersion } from "@vmmkit/backend-pcap/node";
import { createMemfd } from "@vmmkit/posix";
import type { Finding } from "./finding.ts";
import { findProgram, may, outputOf } from "./programs.ts";

const TUN = "/dev/net/tun";
const KVM = "/dev/kvm";
const CAP_NET_ADMIN = 12n;
const READ_WRITE = constants.R_OK | constants.W_OK;

/** Huge pages of the machine's usual size. */
export interface HugePages {
  readonly free: number;
  readonly sizeBytes: number;
}

/** Whether QEMU can let the processor run the guest. */
export function hasKvm(): boolean {
  return may(KVM, READ_WRITE);
}

/** Out of `/proc/meminfo`. */
export function hugePages(meminfo: string = readFileSync("/proc/meminfo", "utf8")): HugePages {
  const [, free = "0"] = /^HugePages_Free:\s*(\d+)/m.exec(meminfo) ?? [];
  const [, sizeKib = "0"] = /^Hugepagesize:\s*(\d+) kB/m.exec(meminfo) ?? [];
  return { free: Number(free), sizeBytes: Number(sizeKib) * 1024 };
}

/** What the machine has beside QEMU. */
export function machineFindings(): Finding[] {
  return [memfd(), kvm(), tap(), libpcap(), passt(), hugePagesFinding(hugePages()), namespaces()];
}

/** Everything that `nic` does stands on this: koffi loads, and Linux gives shared memory. */
function memfd(): Finding {
  try {
    createMemfd("doctor", 4096).close();
    return { what: "shared memory", ok: true, detail: "memfd works" };
  } catch (error) {
    return { what: "shared memory", ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function kvm(): Finding {
  if (hasKvm()) return { what: "KVM", ok: true, detail: KVM };
  return { what: "KVM", ok: false, detail: `no right to ${KVM}, or no such device: QEMU emulates, many times as slow` };
}

function tap(): Finding {
  const what = "TAP";
  if (!may(TUN, constants.F_OK)) return { what, ok: false, detail: `there is no ${TUN}: modprobe tun` };
  if (!may(TUN, READ_WRITE)) return { what, ok: false, detail: `no right to ${TUN}` };
  const [, capabilities = "0"] = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const isAdmin = ((BigInt(`0x${capabilities}`) >> CAP_NET_ADMIN) & 1n) === 1n;
  const own = "interfaces made for this user alone (ip tuntap add dev NAME mode tap user USER)";
  return { what, ok: true, detail: isAdmin ? `${TUN}, and the right to make interfaces` : `${TUN}, but ${own}` };
}

function libpcap(): Finding {
  try {
    return { what: "libpcap", ok: true, detail: libpcapVersion() };
  } catch {
    return { what: "libpcap", ok: false, detail: "not installed: no pcap-live; Debian has it in libpcap0.8" };
  }
}

function passt(): Finding {
  const program = findProgram("passt");
  const [version = "?"] = (program === null ? null : outputOf(program, "--version"))?.split("\n") ?? [];
  if (program === null)
    return { what: "passt", ok: false, detail: "not installed: a network without root, by socket:PATH" };
  return { what: "passt", ok: true, detail: version };
}

function hugePagesFinding({ free, sizeBytes }: HugePages): Finding {
  const size = `${sizeBytes / 2 ** 20} MiB`;
  if (free > 0) return { what: "huge pages", ok: true, detail: `${free} of ${size} are free` };
  return { what: "huge pages", ok: false, detail: `none of ${size} is free; ordinary ones will do` };
}

function namespaces(): Finding {
  const what = "namespaces";
  const unshare = findProgram("unshare");
  const works = unshare !== null && outputOf(unshare, "--user", "--map-root-user", "--net", "true") !== null;
  if (works) return { what, ok: true, detail: "this user may make networks to try things in: unshare --user --net" };
  return { what, ok: false, detail: "this user may make no networks of its own (unshare --user --net fails)" };
}
