/** The round trips that `ping` printed, in microseconds, from the shortest to the longest. */
export function pingTimes(output: string): number[] {
  return [...output.matchAll(/ time=([\d.]+) ms/g)].map(([, time]) => Number(time) * 1000).sort((a, b) => a - b);
}

/** The value that `share` of the sorted values do not exceed. NaN for none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
