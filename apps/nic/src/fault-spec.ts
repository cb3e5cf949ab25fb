import type { FaultOptions } from "@vmmkit/backend-fault";

const WHOLE_CARD: readonly string[] = ["disconnect", "reconnectMs", "seed"];

/**
 * Reads faults as "drop=0.01,rx.delayMs=20,seed=1": names and values of `faultBackend`'s, for both directions or, with
 * `tx.` or `rx.` before it, for one.
 * @throws RangeError for what is no such list; which names and values there are, `faultBackend` says
 */
export function parseFault(text: string): FaultOptions {
  const both = { tx: {} as Record<string, number>, rx: {} as Record<string, number> };
  const whole: Record<string, number> = {};
  for (const part of text === "" ? [] : text.split(",")) {
    const [, direction, name = "", value = ""] = /^(?:(tx|rx)\.)?([a-zA-Z]+)=([\d.]+)$/.exec(part) ?? [];
    if (name === "" || Number.isNaN(Number(value))) {
      throw new RangeError(`expected NAME=NUMBER, tx.NAME=NUMBER or rx.NAME=NUMBER, got "${part}"`);
    }
    if (direction === undefined && WHOLE_CARD.includes(name)) whole[name] = Number(value);
    if (direction === undefined && WHOLE_CARD.includes(name)) continue;
    if (direction !== "rx") both.tx[name] = Number(value);
    if (direction !== "tx") both.rx[name] = Number(value);
  }
  return { ...both, ...whole };
}
