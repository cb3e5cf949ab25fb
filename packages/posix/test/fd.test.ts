import { fstatSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ClosedError, Fd, OpenFlag, openFile, PosixError } from "../src/index.ts";
import { libc } from "../src/libc.ts";
import { blockingPipe, testPair } from "./support/pipe.ts";
import { temporaryPath } from "./support/temporary.ts";

describe("openFile", () => {
  it("makes, appends, truncates and reads files", () => {
    const path = temporaryPath("file");
    const made = openFile(path, OpenFlag.WriteOnly | OpenFlag.Create | OpenFlag.Exclusive, 0o600);
    expect(made.write(Buffer.from("hello"))).toBe(5);
    made.close();
    const more = openFile(path, OpenFlag.WriteOnly | OpenFlag.Append);
    more.write(Buffer.from(" you"));
    more.close();
    expect(readFileSync(path, "utf8")).toBe("hello you");
    openFile(path, OpenFlag.WriteOnly | OpenFlag.Truncate).close();
    const empty = openFile(path);
    expect(empty.read(new Uint8Array(4))).toBe(0);
    empty.close();
  });

  it("names what could not be opened", () => {
    expect(() => openFile("/nowhere/at/all")).toThrow("ENOENT: no such file or directory, open /nowhere/at/all");
    const path = temporaryPath("file");
    writeFileSync(path, "");
    const again = (): Fd => openFile(path, OpenFlag.WriteOnly | OpenFlag.Create | OpenFlag.Exclusive);
    expect(again).toThrow(expect.objectContaining({ code: "EEXIST", errno: 17, syscall: "open", path }));
  });
});

describe("Fd", () => {
  it("takes descriptors only", () => {
    for (const number of [-1, 1.5, Number.NaN]) {
      expect(() => new Fd(number)).toThrow(`"number" expected an open file descriptor, got ${number}`);
    }
  });

  it("is closed once: the number may be somebody else's afterwards", () => {
    const [first, other] = blockingPipe();
    const number = first.number;
    first.close();
    const next = other.duplicate();
    expect(next.number).toBe(number);
    first.close();
    expect(fstatSync(number).isFIFO()).toBe(true);
    next.close();
    expect(first.closed).toBe(true);
    expect(() => first.number).toThrow(ClosedError);
  });

  it("can be given away, and is not closed then", () => {
    const [first] = blockingPipe();
    const number = first.release();
    first.close();
    expect(fstatSync(number).isFIFO()).toBe(true);
    expect(first.release()).toBe(-1);
    new Fd(number).close();
    expect(() => fstatSync(number)).toThrow("EBADF");
  });

  it("does what was asked for before it is closed, once, unless that was taken back", () => {
    const [first] = blockingPipe();
    const told: string[] = [];
    first.beforeClose(() => told.push(`open: ${!first.closed}`));
    first.beforeClose(() => told.push("never"))();
    first.close();
    first.close();
    expect(told).toEqual(["open: true"]);
  });

  it("answers -1 where there is nothing to read or no room to write, once it does not block", () => {
    const [out, into] = blockingPipe();
    out.setNonBlocking(true);
    into.setNonBlocking(true);
    expect(out.read(new Uint8Array(1))).toBe(-1);
    const chunk = new Uint8Array(1 << 16);
    while (into.write(chunk) > 0);
    expect(into.write(chunk)).toBe(-1);
    expect(out.read(chunk)).toBe(chunk.length);
    out.setNonBlocking(false);
    expect(libc().fcntl(out.number, 3, 0) & OpenFlag.NonBlock).toBe(0);
  });

  it("is closed in children unless it is told otherwise", () => {
    const [first] = testPair();
    const flags = (): number => libc().fcntl(first.fd.number, 1, 0);
    expect(flags()).toBe(1);
    first.fd.setCloseOnExec(false);
    expect(flags()).toBe(0);
    first.fd.setCloseOnExec(true);
    expect(flags()).toBe(1);
  });

  it("asks devices, and throws their errors", () => {
    const FIONREAD = 0x541b;
    const [one, two] = testPair();
    two.fd.write(new Uint8Array(7));
    const waiting = new Int32Array(1);
    expect(one.fd.ioctl(FIONREAD, waiting)).toBe(0);
    expect(waiting[0]).toBe(7);
    expect(() => openFile("/dev/null").ioctl(FIONREAD, waiting)).toThrow(PosixError);
  });
});
