import { expect, test } from "vitest";
import { deferred } from "../src/deferred.ts";
import { GuestTimeoutError } from "../src/errors.ts";
import type { CommandResult } from "../src/index.ts";
import { withTimeout } from "../src/with-timeout.ts";

test("a command that ends in time is its result, and is not killed", async () => {
  const signals: string[] = [];
  const result = Promise.resolve({ code: 0, output: "" });
  const job = { result, kill: (signal = "TERM") => void signals.push(signal) };
  expect(await withTimeout(job, "true", 60_000)).toEqual({ code: 0, output: "" });
  expect(signals).toEqual([]);
});

test("a command that does not is killed, and its own end is nobody's error", async () => {
  const { promise: result, reject } = deferred<CommandResult>();
  const signals: string[] = [];
  const job = { result, kill: (signal = "TERM") => void signals.push(signal) };
  await expect(withTimeout(job, "sleep 9", 0)).rejects.toThrow(new GuestTimeoutError('"sleep 9" did not end in 0 ms'));
  expect(signals).toEqual(["KILL"]);
  reject(new Error("the guest went"));
});
