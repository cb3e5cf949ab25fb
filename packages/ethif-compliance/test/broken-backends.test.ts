import { expect, test } from "vitest";
import { type Check, checks, runCheck } from "../src/index.ts";
import { brokenBackends } from "./support/broken-backends.ts";
import { ECHO_KEEPS } from "./support/echo-backend.ts";

/** Waiting in vain is what these tests do: not for long. */
const DEADLINE_MS = 60;

function find(name: string): Check {
  const check = checks.find((other) => other.name === name);
  if (check === undefined) throw new RangeError(`there is no check "${name}"`);
  return check;
}

for (const { does, make, caughtBy } of brokenBackends) {
  for (const [name, message] of Object.entries(caughtBy)) {
    test(`a backend that ${does} fails "${name}"`, async () => {
      const setup = (): { backend: ReturnType<typeof make>; dropped?: () => number } => {
        const backend = make();
        return backend.dropped === undefined ? { backend } : { backend, dropped: backend.dropped };
      };
      const options = { name: does, topology: "echo", keeps: ECHO_KEEPS, deadlineMs: DEADLINE_MS, setup } as const;
      await expect(runCheck(find(name), options)).rejects.toThrow(message);
    });
  }
}
