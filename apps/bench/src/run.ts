import { describeRun, type Report, thisCommit, thisMachine } from "./report/report.ts";
import { figureTable } from "./report/table.ts";
import type { Section, SectionContext } from "./section.ts";

/** What a run prints to: tables and notes, and lines of progress. */
export interface Output {
  readonly print: (text: string) => void;
  readonly say: SectionContext["say"];
}

/** Runs sections one after the other and prints each one's table as it is done. */
export async function run(
  sections: readonly Section[],
  options: { readonly short: boolean; readonly command: string },
  { print, say }: Output,
): Promise<Report> {
  const done: Report["sections"][number][] = [];
  for (const section of sections) {
    const { name, about } = section;
    const missing = (await section.missing?.()) ?? null;
    if (missing !== null) {
      print(`\n${name}: skipped: ${missing}\n`);
      continue;
    }
    print(`\n${name}: ${about}\n`);
    const figures = await section.run({ short: options.short, say });
    print(`${figureTable(figures)}\n`);
    done.push({ name, about, figures });
  }
  const report = {
    command: options.command,
    date: new Date().toISOString(),
    commit: await thisCommit(),
    machine: thisMachine(),
    sections: done,
  };
  print(`\n${describeRun(report)}\n`);
  return report;
}
