import type { Finding } from "./finding.ts";
import { findProgram, outputOf } from "./programs.ts";

/** What a QEMU can do with cards of ours. */
export interface Qemu {
  /** As it was asked for. */
  readonly name: string;
  readonly program: string;
  readonly version: readonly [major: number, minor: number];
  /** It has the device `vfio-user-pci`. */
  readonly vfioUser: boolean;
}

/** The QEMU of this machine's kind of processor. */
export const DEFAULT_QEMU: string = process.arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64";

/** Asks a QEMU; null where there is none that answers. */
export function askQemu(name: string): Qemu | null {
  const program = findProgram(name);
  const text = program === null ? null : outputOf(program, "--version");
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(text ?? "") ?? [];
  if (program === null || major === undefined || minor === undefined) return null;
  // A QEMU that does not have the device fails.
  const help = outputOf(program, "-device", "vfio-user-pci,help");
  return { name, program, version: [Number(major), Number(minor)], vfioUser: help?.includes("vfio-user-pci") ?? false };
}

/** Whether a QEMU is of this version or a newer one. */
export function isSince({ version: [major, minor] }: Qemu, sinceMajor: number, sinceMinor: number): boolean {
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** Findings about a QEMU. */
export function qemuFindings(name: string, qemu: Qemu | null): Finding[] {
  if (qemu === null) {
    const detail = `${name} is not in PATH or does not answer; Debian has it in qemu-system-x86 and qemu-system-arm`;
    return [{ what: "QEMU", ok: false, detail }];
  }
  const version = qemu.version.join(".");
  const vfioUser = qemu.vfioUser
    ? "it has vfio-user-pci: whole PCI devices"
    : "it has no vfio-user-pci, which comes with 10.1; vhost-user will do";
  return [
    { what: "QEMU", ok: true, detail: `${version}, ${qemu.program}` },
    { what: "vfio-user", ok: qemu.vfioUser, detail: vfioUser },
    { what: "vhost-user", ok: true, detail: "any QEMU has it" },
  ];
}
