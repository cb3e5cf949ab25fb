import { ComplianceError } from "./compliance-error.ts";

/** The host's timers: the one global used here, in Node and in a browser alike. */
declare function setTimeout(task: () => void, delayMs: number): number;
declare function clearTimeout(timer: number): void;

/** One turn of the event loop: everything that is ready runs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Waits until a condition holds, looking once a turn of the event loop.
 * @param what the condition in words, for the message
 * @throws ComplianceError when the deadline passes first
 */
export async function until(condition: () => boolean, deadlineMs: number, what: () => string): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > end) throw new ComplianceError(`waited ${deadlineMs} ms in vain: ${what()}`);
    await nextTurn();
  }
}

/**
 * Waits for a promise.
 * @throws ComplianceError when the deadline passes first
 */
export async function within<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer = 0;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ComplianceError(`waited ${deadlineMs} ms in vain: ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
