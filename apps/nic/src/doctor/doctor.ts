import { type CommandLines, commandLines, MEMORY_MIB } from "./command-lines.ts";
import { type Finding, formatFindings } from "./finding.ts";
import { hasKvm, hugePages, machineFindings } from "./machine.ts";
import { askQemu, qemuFindings } from "./qemu.ts";

/** What a machine can do, and how to begin. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Null where there is no QEMU. */
  readonly commands: CommandLines | null;
}

/** Looks at this machine. @param qemuName the QEMU to look at: a name in PATH, or a path */
export function diagnose(qemuName: string): Diagnosis {
  const qemu = askQemu(qemuName);
  const { free, sizeBytes } = hugePages();
  const means = { kvm: hasKvm(), hugePages: free * sizeBytes >= MEMORY_MIB * 2 ** 20 };
  return {
    findings: [...qemuFindings(qemuName, qemu), ...machineFindings()],
    commands: qemu === null ? null : commandLines(qemu, means),
  };
}

/** A diagnosis for people. */
export function formatDiagnosis({ findings, commands }: Diagnosis): string {
  const table = formatFindings(findings);
  if (commands === null) return `${table}\nWithout QEMU there is no guest to start.\n`;
  return `${table}\nServe a card:\n\n${commands.nic}\n\nand start a guest with it; its disk is yours to add:\n\n${commands.qemu}\n`;
}

/** Whether there is all that a card in a guest needs. */
export function isFit({ findings, commands }: Diagnosis): boolean {
  return commands !== null && findings.every(({ what, ok }) => ok || what !== "shared memory");
}
