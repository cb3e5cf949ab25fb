/** The round trips that `ping` printed, in microseconds, from the shortest to the longest. */
export function pingTimes(output: string): number[] {
  return [...output.matchAll(/ time=([\d.]+) ms/g)].map(([, time]) => Number(time) * 1000).sort((a, b) => a - b);
}
