import { Command } from "commander";
import { compareCards } from "./emulator/compare.ts";
import { measure } from "./measure.ts";
import { ringLoops } from "./rings.ts";
import { comparisonTable, costTable } from "./tables.ts";

const command = new Command("bench").description("Measures the card: rings without a guest, and real guests in v86.");

command
  .command("rings")
  .description("frames per second and heap per frame, driven by a guest in TypeScript")
  .action(async () => {
    process.stdout.write(`${costTable(await measure(ringLoops()))}\n`);
  });

command
  .command("v86")
  .description("our card against the emulator's own in the same Linux guest, in turns")
  .option("--rounds <n>", "rounds that count", Number, 5)
  .action(async ({ rounds }: { rounds: number }) => {
    const comparisons = await compareCards(rounds, (line) => process.stderr.write(`${line}\n`));
    process.stdout.write(`${comparisonTable(comparisons)}\n`);
  });

await command.parseAsync();
process.exit(0);
