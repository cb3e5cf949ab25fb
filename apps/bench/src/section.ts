/** One thing that was measured, and its rounds. */
export interface Figure {
  /** Unique within its section: it names the figure in the committed baseline. */
  readonly name: string;
  /** What the rounds are in: `ns/frame`, `MB/s`. */
  readonly unit: string;
  readonly lessIsBetter: boolean;
  /** One entry a round. Figures of one section whose rounds took turns may be compared round by round. */
  readonly rounds: readonly number[];
  /**
   * What it is compared with: the rounds, in the same unit and taken in turns with these, of a native program or of
   * another peer. Only ratios are compared with the committed baseline: times are the machine's.
   */
  readonly against?: { readonly name: string; readonly rounds: readonly number[] };
  /** The figure's target, in its own unit. */
  readonly target?: number;
  /** A target for the ratio to `against`. */
  readonly targetRatio?: number;
  /** What else there is to know, in a few words. */
  readonly note?: string;
}

/** What a section is told. */
export interface SectionContext {
  /** The short form: fewer and shorter rounds, and only the most telling figures. */
  readonly short: boolean;
  /** Shows a line of progress. */
  readonly say: (line: string) => void;
}

/** A part of the benchmarks. Its figures are data; how they are shown is not its business. */
export interface Section {
  /** What it is called on the command line. */
  readonly name: string;
  /** What it measures, in a few words. */
  readonly about: string;
  /** Whether the short form has it too. */
  readonly inShort: boolean;
  /** What this machine lacks for it, in one line, or null. Absent: nothing. */
  readonly missing?: () => string | null | Promise<string | null>;
  run(context: SectionContext): Promise<Figure[]>;
}

/** The median of some rounds. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >>> 1] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[sorted.length / 2 - 1] ?? Number.NaN)) / 2;
}

/** The ratio of a figure to its peer: the median of the rounds' ratios, as a slow spell meets both. Null without a peer. */
export function ratio({ rounds, against }: Figure): number | null {
  if (against === undefined) return null;
  const ratios = rounds.map((value, i) => value / (against.rounds[i] ?? Number.NaN)).filter(Number.isFinite);
  return ratios.length === 0 ? null : median(ratios);
}
