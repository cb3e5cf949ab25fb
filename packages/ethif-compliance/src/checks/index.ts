import type { Check } from "../check.ts";
import { closingChecks } from "./closing.ts";
import { contentChecks } from "./contents.ts";
import { informationChecks } from "./information.ts";
import { ownershipChecks } from "./ownership.ts";
import { pressureChecks } from "./pressure.ts";

/** All tests of the suite. */
export const checks: readonly Check[] = [
  ...informationChecks,
  ...contentChecks,
  ...ownershipChecks,
  ...pressureChecks,
  ...closingChecks,
];
