/** What a host may offer to run a function in a later turn of its event loop. Node has both, browsers the second. */
interface HostTimers {
  readonly setImmediate?: (task: () => void) => unknown;
  readonly setTimeout?: (task: () => void, delayMs: number) => unknown;
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
