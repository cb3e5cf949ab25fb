import type { Bench } from "./bench.ts";
import type { BackendUnderTest } from "./options.ts";
import type { TestCardOptions } from "./test-card.ts";

/** One test of the suite. */
export interface Check {
  /** Its name, as `skip` names it. */
  readonly name: string;
  /** What the setup has to provide for it; the test is skipped with this reason where it does not. */
  readonly needs?: (made: BackendUnderTest) => string | null;
  /** How the card is to be. */
  readonly card?: TestCardOptions;
  /** The test. It rejects where the backend breaks the contract. */
  run(bench: Bench): Promise<void>;
}
