/**
 * A part of a machine whose state can be carried to another process, or kept for later. Restoring has three steps, so
 * that a machine of many parts is restored whole or not at all: all parts `prepare`, and any may refuse; then all
 * `apply`; then all `resume`.
 */
export interface Saveable {
  /** Its state now, as plain data that `JSON` can carry. Nothing else comes of it. */
  save(): unknown;
  /**
   * Checks a state from outside, all of it, and changes nothing yet.
   * @param state from `save`, or from anywhere
   * @throws TypeError, RangeError naming the field that is wrong with it
   */
  prepare(state: unknown): Restoration;
}

/** A state that was checked and waits to be put into effect. Neither step throws for what the state says. */
export interface Restoration {
  /** The part has the state, and is silent: no interrupt, no frame. */
  apply(): void;
  /** All parts have theirs: it goes on. */
  resume(): void;
}

/** Several restorations as one. */
export function joinRestorations(all: readonly Restoration[]): Restoration {
  return {
    apply: () => {
      for (const one of all) one.apply();
    },
    resume: () => {
      for (const one of all) one.resume();
    },
  };
}

/** Restores one part by itself. @throws what `prepare` throws; then nothing has changed */
export function restore(part: Saveable, state: unknown): void {
  const restoration = part.prepare(state);
  restoration.apply();
  restoration.resume();
}
