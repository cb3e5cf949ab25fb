import { Command } from "commander";
import { diagnose, formatDiagnosis, isFit } from "../doctor/doctor.ts";
import { DEFAULT_QEMU } from "../doctor/qemu.ts";

/** `nic doctor`. @param fail called where no card can be used here */
export function doctorCommand(fail: () => void): Command {
  return new Command("doctor")
    .description("what this machine can do, and the QEMU command line that fits it")
    .option("--qemu <program>", "the QEMU to ask, a name in PATH or a path", DEFAULT_QEMU)
    .option("--json", "the same for programs", false)
    .action(({ qemu, json }: { readonly qemu: string; readonly json: boolean }) => {
      const diagnosis = diagnose(qemu);
      process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : formatDiagnosis(diagnosis));
      if (!isFit(diagnosis)) fail();
    });
}
