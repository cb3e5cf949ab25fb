import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { check, Errno, errnoName, PosixError, posixError } from "../src/index.ts";

describe("errors of the system", () => {
  it("have the numbers that this host's C library has", () => {
    const known: Record<string, number> = constants.errno;
    for (const [name, number] of Object.entries(Errno))
      if (name in known) expect([name, number]).toEqual([name, known[name]]);
  });

  it("have names, those that Node does not know too", () => {
    for (const [name, number] of Object.entries(Errno)) expect(errnoName(number)).toBe(name);
    expect(errnoName(4000)).toBe("errno 4000");
  });

  it("say the code, the words, the call, what it was about, and what to do", () => {
    const error = posixError(1, "TUNSETIFF", "tap0", "run as root");
    expect(error).toBeInstanceOf(PosixError);
    expect(error.message).toBe("EPERM: operation not permitted, TUNSETIFF tap0: run as root");
    expect(error).toMatchObject({ name: "PosixError", code: "EPERM", errno: 1, syscall: "TUNSETIFF", path: "tap0" });
  });

  it("are understood as the kernel gives them, negative", () => {
    expect(posixError(-Errno.EBADFD, "read").message).toBe("EBADFD: file descriptor in bad state, read");
  });
});

describe("check", () => {
  it("passes results on and throws errors", () => {
    expect(check(5, "read")).toBe(5);
    expect(() => check(-11, "read", "eventfd")).toThrow("EAGAIN: resource temporarily unavailable, read eventfd");
  });
});
