/** Frames that a port of testpmd's received and sent. */
export interface PortCounts {
  readonly received: number;
  readonly sent: number;
}

/**
 * What "show port stats" said last; null where it did not yet say all. Other blocks of testpmd's ("accumulated forward
 * statistics") count in the same words: those of a port alone end in "missed" and "errors".
 */
export function portCounts(said: string): PortCounts | null {
  const all = [...said.matchAll(/RX-packets: (\d+) +RX-missed[\s\S]*?TX-packets: (\d+) +TX-errors/g)];
  const last = all.at(-1);
  return last === undefined ? null : { received: Number(last[1]), sent: Number(last[2]) };
}
