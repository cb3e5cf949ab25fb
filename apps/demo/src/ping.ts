/** What `ping` found. Times are round trips in milliseconds. */
export interface PingResult {
  readonly sent: number;
  readonly received: number;
  readonly minMs: number;
  readonly avgMs: number;
  readonly maxMs: number;
}

const COUNTS = /(\d+) packets transmitted, (\d+) (?:packets )?received/;
const TIMES = /min\/avg\/max = ([\d.]+)\/([\d.]+)\/([\d.]+) ms/;

/** Reads the closing lines of busybox's `ping`. Null where they are not there. */
export function parsePing(output: string): PingResult | null {
  const counts = COUNTS.exec(output);
  if (counts === null) return null;
  // Without an answer there is no line of times.
  const times = TIMES.exec(output);
  const time = (group: number): number => Number(times?.[group] ?? Number.NaN);
  return {
    sent: Number(counts[1]),
    received: Number(counts[2]),
    minMs: time(1),
    avgMs: time(2),
    maxMs: time(3),
  };
}
