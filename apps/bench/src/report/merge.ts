import type { Report } from "./report.ts";

/**
 * A report with what it lacks of an older one: sections that ran again take the place of those that were there, and
 * the others stay, marked with the run that made them.
 */
export function mergeReports(older: Report | null, newer: Report): Report {
  if (older === null) return newer;
  const { command, date, commit, machine } = older;
  const made = { command, date, commit, machine };
  const again = new Map(newer.sections.map((section) => [section.name, section]));
  const kept = older.sections.map((section) => again.get(section.name) ?? { run: made, ...section });
  const added = newer.sections.filter(({ name }) => !older.sections.some((section) => section.name === name));
  return { ...newer, sections: [...kept, ...added] };
}
