/** One part of the gate. */
export interface Step {
  /** What it is called on the command line. */
  readonly name: string;
  /** What it makes sure of, in a few words. */
  readonly about: string;
  run(context: StepContext): Promise<StepResult>;
}

/** What every step gets. */
export interface StepContext {
  /** Absolute path of the repository. */
  readonly root: string;
  /** Shows a line at once. What a step only tells when it failed goes into `StepResult.report`. */
  readonly print: (line: string) => void;
}

export interface StepResult {
  readonly ok: boolean;
  /** A few words for the table: `12 packages`. */
  readonly summary?: string;
  /** Shown where the step failed: everything that is needed to mend it. */
  readonly report?: string;
  /** The count of tests, to be the last line of all. */
  readonly lastLine?: string;
}
