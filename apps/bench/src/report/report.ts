import { execFile } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Figure } from "../section.ts";

/** How figures were made. */
export interface Run {
  /** The command that made them. */
  readonly command: string;
  /** When, as an ISO date. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
}

/** What a section measured. */
export interface ReportSection {
  readonly name: string;
  readonly about: string;
  /** The run that made it, where that was not the report's. */
  readonly run?: Run;
  readonly figures: readonly Figure[];
}

/** What a run measured, with all that one must know to read it. Written as JSON. */
export interface Report extends Run {
  readonly sections: readonly ReportSection[];
}

/** Where it ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

/** This machine. */
export function thisMachine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
  };
}

/** The commit of the working tree, with a mark where files differ from it; `unknown` outside of a repository. */
export async function thisCommit(): Promise<string> {
  const git = async (...args: string[]): Promise<string> => (await promisify(execFile)("git", args)).stdout.trim();
  try {
    const commit = await git("rev-parse", "--short=12", "HEAD");
    return (await git("status", "--porcelain")) === "" ? commit : `${commit}, changed`;
  } catch {
    return "unknown";
  }
}

/** One line about where and when. */
export function describeRun({ machine, date, commit }: Run): string {
  const { cpu, cores, node, kernel } = machine;
  return `${cpu}, ${cores} cores, ${kernel}, Node ${node}; ${date.slice(0, 10)}, commit ${commit}`;
}
