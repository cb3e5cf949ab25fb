import { Command } from "commander";
import { completionCommand } from "./commands/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { COMMON_SECTIONS, helpSections } from "./commands/help.ts";
import { orderCommands } from "./commands/orders.ts";
import { serveCommand } from "./commands/serve.ts";
import { topCommand } from "./commands/top.ts";
import { runNic } from "./run-nic.ts";

/** What commands need of the process. */
export interface ProgramHost {
  /** The text of a file. */
  readFile(path: string): string;
  /** What was asked was done, and its answer is no. */
  fail(): void;
}

/** The command line. Where it makes no sense, `parseAsync` rejects with commander's error. */
export function makeProgram({ readFile, fail }: ProgramHost): Command {
  const program = new Command("nic")
    .description("virtio-net cards for other processes' VMMs, over vfio-user and vhost-user")
    .addCommand(serveCommand(readFile, runNic))
    .addCommand(topCommand());
  for (const command of orderCommands()) program.addCommand(command);
  program
    .addCommand(doctorCommand(fail))
    .addCommand(completionCommand(() => program))
    .addHelpText("after", helpSections({ Examples: EXAMPLES, ...COMMON_SECTIONS, "See also": SEE_ALSO }));
  overrideExit(program);
  return program;
}

/** Commander ends the process otherwise, with a status that says too little. */
function overrideExit(command: Command): void {
  command.exitOverride().showHelpAfterError("(--help says what there is)");
  for (const part of command.commands) overrideExit(part);
}

const EXAMPLES = `nic doctor
nic serve --control nic.ctl --vfio-user a.sock --name a --vhost-user b.sock --name b
nic top --control nic.ctl
nic capture start a a.pcapng --control nic.ctl`;

const SEE_ALSO = `docs/qemu.md           what QEMU has to be told
docs/nic-control.md    the control socket, and the counts for Prometheus
COMMAND --help         options, examples and signals of a command`;
