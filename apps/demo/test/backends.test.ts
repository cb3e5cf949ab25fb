import { describe, expect, it } from "vitest";
import { BACKENDS, parseBackend } from "../src/backends/index.ts";
import { socketAddress } from "../src/backends/socket.ts";
import { captureRow } from "../src/backends/wire.ts";

describe("--backend", () => {
  it("names a kind, and what stands behind the colon is the kind's own", () => {
    expect(parseBackend("hub")).toEqual({ kind: BACKENDS["hub"], text: "hub", argument: null });
    expect(parseBackend("tap")).toMatchObject({ kind: BACKENDS["tap"], argument: null });
    expect(parseBackend("tap:tap0")).toMatchObject({ kind: BACKENDS["tap"], text: "tap:tap0", argument: "tap0" });
  });

  it("says what there is where there is no such kind, and what a kind takes", () => {
    expect(() => parseBackend("pigeon")).toThrow(/^expected one of hub, tap\[:NAME\]/);
    expect(() => parseBackend("constructor")).toThrow("expected one of");
    expect(() => parseBackend("hub:x")).toThrow("expected hub.");
    expect(() => parseBackend("tap:")).toThrow("expected tap[:NAME].");
  });

  it("a socket's address is a path, or an IPv4 address and a port", () => {
    expect(socketAddress("/run/wire.sock")).toEqual({ family: "unix", path: "/run/wire.sock" });
    expect(socketAddress("192.0.2.1:7000")).toEqual({ family: "ipv4", address: "192.0.2.1", port: 7000 });
    expect(() => socketAddress("192.0.2.300:7000")).toThrow("neither a path nor an IPv4 address and a port");
    expect(() => socketAddress("192.0.2.1:70000")).toThrow("neither");
  });

  it("each kind says what it is and how many guests it carries", () => {
    for (const { summary, guests } of Object.values(BACKENDS)) {
      expect(summary).not.toBe("");
      expect(guests.min <= guests.usual && guests.usual <= guests.max).toBe(true);
    }
  });
});

describe("what is told of a capture", () => {
  const stats = {
    frames: 7,
    bytes: 500,
    files: 1,
    waiting: 0,
    dropped: { noSpace: 2, failed: 1, closed: 0 },
    error: null,
  };

  it("how many frames are in it and how many are not", () => {
    expect(captureRow("a.pcapng", stats)).toEqual({ file: "a.pcapng", frames: 7, dropped: 3, error: null });
  });

  it("why it could not be written", () => {
    expect(captureRow("a.pcapng", { ...stats, error: new Error("EACCES") }).error).toBe("EACCES");
  });
});
