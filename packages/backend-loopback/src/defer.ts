/** Runs a task soon, on this thread, when what runs now is over. */
export type Defer = (task: () => void) => void;

/** The one host global used here: every JavaScript host with an event loop has it. */
declare function setTimeout(task: () => void, delayMs: number): unknown;

/** In a later turn of the event loop. */
export const nextTurn: Defer = (task) => {
  setTimeout(task, 0);
};

/**
 * How many batches one call may give out before the rest waits for a later turn. Two guests that answer each other
 * from within their interrupts would otherwise keep a call from ever returning.
 */
export const ROUNDS_PER_TURN = 64;
