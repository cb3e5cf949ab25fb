import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Argument, Command, Option } from "commander";
import type { NicConfig } from "./config.ts";
import { ask } from "./control/client.ts";
import { diagnose, formatDiagnosis, isFit } from "./doctor/doctor.ts";
import { DEFAULT_QEMU } from "./doctor/qemu.ts";
import { Nic } from "./nic.ts";
import { serveCommand } from "./serve-options.ts";
import { formatTop } from "./top.ts";

interface ControlOption {
  readonly control: string;
}

/** The command line. */
export function makeProgram(readFile: (path: string) => string): Command {
  return new Command("nic")
    .description("virtio-net cards for other processes' VMMs, over vfio-user and vhost-user")
    .addCommand(serveCommand(readFile, serve))
    .addCommand(topCommand())
    .addCommand(linkCommand())
    .addCommand(captureCommand())
    .addCommand(doctorCommand());
}

/** Serves until the user or the system says to end; a second signal ends at once. */
async function serve(config: NicConfig): Promise<void> {
  const ended = new Promise<void>((end) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end());
  });
  const nic = await Nic.start(config, (line) => process.stderr.write(`${line}\n`));
  for (const { name, protocol, path } of config.cards) process.stdout.write(`${name}: ${protocol} at ${path}\n`);
  await ended;
  await nic.close();
}

function topCommand(): Command {
  return new Command("top")
    .description("rates, drops by cause and interrupts of each card")
    .addOption(controlOption())
    .option("--json", "one report as JSON: counts, not rates", false)
    .action(async ({ control, json }: ControlOption & { readonly json: boolean }) => {
      let last = await ask(control, { do: "top" });
      if (json) {
        process.stdout.write(`${JSON.stringify(last.cards, null, 2)}\n`);
        return;
      }
      for (;;) {
        await sleep(1000);
        const next = await ask(control, { do: "top" });
        process.stdout.write(`\x1b[H\x1b[2J${formatTop(last, next)}\n`);
        last = next;
      }
    });
}

function linkCommand(): Command {
  return new Command("link")
    .description("pulls a card's cable, or plugs it in")
    .addArgument(new Argument("<state>").choices(["up", "down"]))
    .argument("<card>", "its name")
    .addOption(controlOption())
    .action(async (state: string, card: string, { control }: ControlOption) => {
      await ask(control, { do: "link", card, up: state === "up" });
    });
}

function captureCommand(): Command {
  const start = new Command("start")
    .argument("<card>", "its name")
    .argument("<file>", "pcapng; what is in it is gone")
    .addOption(controlOption())
    .action(async (card: string, file: string, { control }: ControlOption) => {
      await ask(control, { do: "capture-start", card, file: resolve(file) });
    });
  const stop = new Command("stop")
    .argument("<card>", "its name")
    .addOption(controlOption())
    .action(async (card: string, { control }: ControlOption) => {
      await ask(control, { do: "capture-stop", card });
    });
  return new Command("capture")
    .description("starts and stops a capture on a running card")
    .addCommand(start)
    .addCommand(stop);
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("what this machine can do, and the QEMU command line that fits it")
    .option("--qemu <program>", "the QEMU to ask, a name in PATH or a path", DEFAULT_QEMU)
    .option("--json", "the same for programs", false)
    .action(({ qemu, json }: { readonly qemu: string; readonly json: boolean }) => {
      const diagnosis = diagnose(qemu);
      process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : formatDiagnosis(diagnosis));
      if (!isFit(diagnosis)) process.exitCode = 1;
    });
}

function controlOption(): Option {
  return new Option("--control <path>", "the control socket of nic serve").makeOptionMandatory();
}
