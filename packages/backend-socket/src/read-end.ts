/** Why reading ended. */
export const ReadEnd = {
  /** Nothing more has come. */
  Drained: 0,
  /** The guest has no room. */
  Starved: 1,
  /** The batch is full: there may be more. */
  Full: 2,
  /** The connection is over. */
  Over: 3,
  /** What comes is no framing. */
  Corrupt: 4,
} as const;
export type ReadEnd = (typeof ReadEnd)[keyof typeof ReadEnd];
