import { expect, test } from "vitest";
import { checks, runCheck, testBackend } from "../src/index.ts";
import { echoBackend } from "./support/echo-backend.ts";

test("a skip that names no test is refused", () => {
  const skip = [{ reason: "none", tests: ["there is no such test"] }];
  expect(() => testBackend({ name: "echo", setup: () => ({ backend: echoBackend() }), skip })).toThrow(
    '"skip" names no test: "there is no such test"',
  );
});

test("names are unique, for skip to name them", () => {
  expect(new Set(checks.map((check) => check.name)).size).toBe(checks.length);
});

test("a check whose needs are not met is skipped with the reason, and the backend closed", async () => {
  const [check] = checks.filter((other) => other.name.startsWith("tells the card when the carrier"));
  if (check === undefined) throw new Error("no such check");
  const reasons: string[] = [];
  let closed = 0;
  let tornDown = 0;
  const echo = echoBackend();
  const close = async (): Promise<void> => {
    closed++;
  };
  const teardown = (): void => {
    tornDown++;
  };
  const setup = (): { backend: typeof echo } => ({ backend: { ...echo, close } });
  await runCheck(check, { name: "echo", setup, teardown }, (reason) => reasons.push(reason));
  expect(reasons).toEqual(["its carrier cannot be taken away from the far end"]);
  expect([closed, tornDown]).toEqual([1, 1]);
});

test("a wire without a peer is the setup's mistake", async () => {
  const [check] = checks.filter((other) => other.name.startsWith("carries frames both ways"));
  if (check === undefined) throw new Error("no such check");
  await expect(runCheck(check, { name: "echo", setup: () => ({ backend: echoBackend() }) })).rejects.toThrow(
    '"setup" expected to make a "peer"',
  );
});
