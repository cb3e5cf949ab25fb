import { expect, it } from "vitest";
import { ClosedError, PosixError, UnsupportedPlatformError } from "../src/index.ts";

it("an error without a path or a hint says neither", () => {
  const error = new PosixError({ errno: 9, code: "EBADF", description: "bad file descriptor", syscall: "read" });
  expect(error.message).toBe("EBADF: bad file descriptor, read");
  expect(error.path).toBeUndefined();
});

it("each kind of error can be told by its class and by its name", () => {
  for (const Kind of [ClosedError, UnsupportedPlatformError]) {
    const error = new Kind("why");
    expect([error instanceof Error, error.name, error.message]).toEqual([true, Kind.name, "why"]);
  }
});
