/** What a process that is a data path says of itself. Counts only grow. */
export interface ProcessReport {
  /** The names of its cards. */
  readonly cards: readonly string[];
  readonly pid: number;
  /** Processor time of all its threads so far, in user mode and in the kernel. */
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** This process. */
export function reportProcess(cards: readonly string[]): ProcessReport {
  const { user, system } = process.cpuUsage();
  return { cards, pid: process.pid, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
}
