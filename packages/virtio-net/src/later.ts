/** What a host may offer to run a function in a later turn of its event loop. Node has both, browsers the second. */
interface HostTimers {
  readonly setImmediate?: (task: () => void) => unknown;
  readonly setTimeout?: (task: () => void, delayMs: number) => unknown;
  readonly clearTimeout?: (timer: unknown) => void;
}

/**
 * Runs a task in a later turn of the event loop, for VMMs that bring no `defer` of their own. Not in a microtask:
 * a guest that keeps another core busy adding work would keep the loop from turning.
 */
export function laterTurn(task: () => void): void {
  const host = globalThis as HostTimers;
  if (host.setImmediate !== undefined) host.setImmediate(task);
  else if (host.setTimeout !== undefined) host.setTimeout(task, 0);
  else void Promise.resolve().then(task);
}

/**
 * Runs a task after a delay, in whole milliseconds; below one, in a later turn of the event loop.
 * @returns cancels it: the task does not run any more
 */
export function afterMicroseconds(delayUsecs: number, task: () => void): () => void {
  const host = globalThis as HostTimers;
  const delayMs = Math.floor(delayUsecs / 1000);
  let cancelled = false;
  const run = (): void => {
    if (!cancelled) task();
  };
  const timer = delayMs > 0 && host.setTimeout !== undefined ? host.setTimeout(run, delayMs) : laterTurn(run);
  return () => {
    cancelled = true;
    if (timer !== undefined) host.clearTimeout?.(timer);
  };
}
