import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { ask } from "../control/client.ts";
import { type ControlOption, controlOption } from "./control-option.ts";
import { helpSections } from "./help.ts";
import { formatTop } from "./top-table.ts";

/** `nic top`: what cards do right now. */
export function topCommand(): Command {
  return new Command("top")
    .description("rates, interrupts, ring fill and drops by cause of each card, every second")
    .addOption(controlOption())
    .option("--json", "one report as JSON: counts, not rates", false)
    .addHelpText("after", helpSections({ Columns: COLUMNS }))
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

const COLUMNS = `tx, rx     what the guest sends, what it gets
out, in    of an uplink: what leaves the hub, what comes to it
ring       entries that the card has, of all of the guest's: frames to send, buffers to fill
cpu        of one processor, what the process of the card's data path has; cards on the hub share one, and the first shows it
dropped    frames that did not get through since the card is there, by cause`;
