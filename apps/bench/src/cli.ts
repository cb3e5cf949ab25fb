import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { compareWithBaseline, saveBaseline, type Verdict } from "./report/baseline.ts";
import { mergeReports } from "./report/merge.ts";
import { picture } from "./report/picture.ts";
import type { Report } from "./report/report.ts";
import { run } from "./run.ts";
import { SECTIONS } from "./sections.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PICTURE = resolve(ROOT, "docs/performance.svg");
const FIGURES = resolve(ROOT, "docs/performance.json");

interface Options {
  readonly short?: true;
  readonly check?: true;
  readonly save?: true;
  readonly json?: string;
  readonly svg?: string;
}

const names = SECTIONS.map(({ name }) => name);

const command = new Command("bench")
  .description("Measures the card against native code and against its peers, in turns. Without a section: all of them.")
  .argument("[section...]", `any of ${names.join(", ")}`, (name: string, before: string[] = []) => {
    if (!names.includes(name)) throw new InvalidArgumentError(`There are ${names.join(", ")}.`);
    return [...before, name];
  })
  .option("--short", "fewer and shorter rounds, and only what is quick")
  .option("--check", "compare ratios with apps/bench/baseline.json; exit code 1 where some got worse")
  .option("--save", "commit the figures: baseline.json, docs/performance.json and .svg; sections that did not run stay")
  .option("--json <file>", "write all figures there")
  .option("--svg <file>", "write a picture there")
  .addHelpText("after", `\nSections:\n${SECTIONS.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join("\n")}`)
  .action(async (chosen: readonly string[], options: Options) => {
    const short = options.short === true;
    const sections = SECTIONS.filter(({ name, inShort }) =>
      chosen.length === 0 ? inShort || !short : chosen.includes(name),
    );
    const line = ["pnpm bench", ...process.argv.slice(2)].join(" ");
    const report = await run(
      sections,
      { short, command: line },
      {
        print: (text) => process.stdout.write(text),
        say: (text) => process.stderr.write(`${text}\n`),
      },
    );
    if (options.json !== undefined) await writeJson(resolve(options.json), report);
    if (options.svg !== undefined) await writeFile(resolve(options.svg), picture(report));
    if (options.save === true) await save(report);
    if (options.check === true) process.exitCode = tell(await compareWithBaseline(report));
  });

await command.parseAsync();
process.exit();

/** Commits the figures; those of sections that did not run stay. */
async function save(report: Report): Promise<void> {
  const older = await readFile(FIGURES, "utf8").catch(() => null);
  const whole = mergeReports(older === null ? null : (JSON.parse(older) as Report), report);
  await writeJson(FIGURES, whole);
  await writeFile(PICTURE, picture(whole));
  await saveBaseline(report);
}

async function writeJson(path: string, report: Report): Promise<void> {
  await writeFile(path, `${JSON.stringify(report, null, 1)}\n`);
}

/** @returns the exit code */
function tell({ compared, slower }: Verdict): number {
  for (const { section, name, was, is } of slower) {
    process.stdout.write(`slower: ${section}, ${name}: ratio ${is.toFixed(2)}, committed ${was.toFixed(2)}\n`);
  }
  process.stdout.write(`${compared} ratios compared with baseline.json, ${slower.length} got worse\n`);
  return slower.length === 0 ? 0 : 1;
}
