import { resolve } from "node:path";
import { Argument, Command } from "commander";
import { ask } from "../control/client.ts";
import { FAULT_USAGE } from "../fault-spec.ts";
import { type ControlOption, controlOption } from "./control-option.ts";
import { helpSections } from "./help.ts";

/** `nic link`, `nic fault` and `nic capture`: orders for a card that runs. */
export function orderCommands(): Command[] {
  return [linkCommand(), faultCommand(), captureCommand()];
}

function linkCommand(): Command {
  return new Command("link")
    .description("pulls a card's cable, or plugs it in")
    .addArgument(new Argument("<state>").choices(["up", "down"]))
    .argument("<card>", "its name")
    .addOption(controlOption())
    .addHelpText("after", helpSections({ Example: "nic link down a --control /run/nic/control" }))
    .action(async (state: string, card: string, { control }: ControlOption) => {
      await ask(control, { do: "link", card, up: state === "up" });
    });
}

function faultCommand(): Command {
  return new Command("fault")
    .description("makes a card's network bad or slow, or good again; what is not named stays as it is")
    .argument("<card>", "its name")
    .argument("<list>", FAULT_USAGE)
    .addOption(controlOption())
    .addHelpText("after", helpSections({ "The list": FAULT_HELP, Examples: FAULT_EXAMPLES }))
    .action(async (card: string, faults: string, { control }: ControlOption) => {
      await ask(control, { do: "fault", card, faults });
    });
}

function captureCommand(): Command {
  const start = new Command("start")
    .description("begins a capture")
    .argument("<card>", "its name")
    .argument("<file>", "pcapng; what is in it is gone")
    .addOption(controlOption())
    .action(async (card: string, file: string, { control }: ControlOption) => {
      await ask(control, { do: "capture-start", card, file: resolve(file) });
    });
  const stop = new Command("stop")
    .description("ends a capture, and returns when all is written")
    .argument("<card>", "its name")
    .addOption(controlOption())
    .action(async (card: string, { control }: ControlOption) => {
      await ask(control, { do: "capture-stop", card });
    });
  return new Command("capture")
    .description("starts and stops a capture on a running card")
    .addCommand(start)
    .addCommand(stop)
    .addHelpText(
      "after",
      helpSections({
        Example:
          "nic capture start a a.pcapng --control nic.ctl\nnic capture stop a --control nic.ctl\ntcpdump -r a.pcapng",
      }),
    );
}

const FAULT_HELP = `drop, duplicate, corrupt, reorder, delay   probabilities from 0 to 1
delayMs, jitterMs                          milliseconds that frames are delayed by
corruptBits, reorderFrames, reorderMs      how much so
bytes=RATE, bytes=RATE/BURST               what may pass in a second, and at once
frames=RATE, frames=RATE/BURST             the same in frames; "off" lifts a limit
queueFrames                                how many frames may wait
disconnect, reconnectMs                    of the whole card: the cable falls out, and for how long
Numbers may end in k, M or G. tx. before a name is for what the guest sends, rx. for what it gets.`;

const FAULT_EXAMPLES = `nic fault a drop=0.01,delayMs=20,jitterMs=5 --control nic.ctl
nic fault a rx.bytes=1M/64k --control nic.ctl
nic fault a drop=0,bytes=off --control nic.ctl`;
