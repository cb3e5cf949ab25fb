import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ratio } from "../section.ts";
import type { Report } from "./report.ts";

const PATH = fileURLToPath(new URL("../../baseline.json", import.meta.url));
/** A ratio may be that much worse than the committed one before it counts: what a busy machine makes of it. */
const TOLERANCE = 1.35;

/** Ratios by section and figure. Times are the machine's; these are the card's. */
type Baseline = Record<string, Record<string, number>>;

/** A figure whose ratio is worse than the committed one. */
interface Slower {
  readonly section: string;
  readonly name: string;
  readonly was: number;
  readonly is: number;
}

/** What a comparison with the committed ratios found. */
export interface Verdict {
  /** How many ratios there were to compare. */
  readonly compared: number;
  readonly slower: readonly Slower[];
}

/** Compares a report's ratios with the committed ones. A figure that only one of them has is left out. */
export async function compareWithBaseline(report: Report): Promise<Verdict> {
  return compare(report, JSON.parse(await readFile(PATH, "utf8")) as Baseline);
}

/** Compares a report's ratios with others. */
export function compare(report: Report, baseline: Baseline): Verdict {
  let compared = 0;
  const slower: Slower[] = [];
  for (const { name: section, figures } of report.sections) {
    for (const figure of figures) {
      const was = baseline[section]?.[figure.name];
      const is = ratio(figure);
      if (was === undefined || is === null) continue;
      compared++;
      const worse = figure.lessIsBetter ? is / was : was / is;
      if (worse > TOLERANCE) slower.push({ section, name: figure.name, was, is });
    }
  }
  return { compared, slower };
}

/** Commits a report's ratios: those of sections that it does not have stay. */
export async function saveBaseline(report: Report): Promise<void> {
  const baseline: Baseline = await readFile(PATH, "utf8").then(
    (text) => JSON.parse(text) as Baseline,
    () => ({}),
  );
  for (const { name, figures } of report.sections) {
    const ratios = figures.flatMap((figure) => {
      const value = ratio(figure);
      return value === null ? [] : [[figure.name, Number(value.toFixed(2))] as const];
    });
    if (ratios.length > 0) baseline[name] = Object.fromEntries(ratios);
  }
  await writeFile(PATH, `${JSON.stringify(baseline, null, 2)}\n`);
}
