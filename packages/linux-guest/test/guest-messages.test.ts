import { expect, test } from "vitest";
import { GuestOptionError, GuestTimeoutError } from "../src/errors.ts";
import { errorMessage, errorOf } from "../src/guest-messages.ts";

/** The error after its way through a message. */
function through(error: unknown): Error {
  const message = structuredClone(errorMessage(1, error));
  if (message.kind !== "error") throw new Error("expected an error message");
  return errorOf(message);
}

test("this package's errors keep their class", () => {
  expect(through(new GuestTimeoutError("slow"))).toEqual(new GuestTimeoutError("slow"));
  expect(through(new GuestOptionError("wrong"))).toBeInstanceOf(GuestOptionError);
});

test("others keep their name in the message", () => {
  expect(through(new TypeError("no function")).message).toBe("TypeError: no function");
  expect(through("just text").message).toBe("Error: just text");
});
