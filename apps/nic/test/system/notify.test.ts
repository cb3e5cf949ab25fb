import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSocket, SocketDomain, SocketType } from "@vmmkit/posix";
import { expect, it, onTestFinished } from "vitest";
import { notifyManager } from "../../src/system/notify.ts";

it.each(["a file", "an abstract address"])("a service manager at %s is told", (kind) => {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
  const name = kind === "a file" ? join(folder, "notify") : `@vmmkit-${process.pid}`;
  const manager = openSocket(SocketDomain.Unix, SocketType.Datagram);
  onTestFinished(() => {
    manager.close();
    rmSync(folder, { recursive: true });
  });
  manager.bind({ family: "unix", path: name.replace(/^@/, "\0") });
  notifyManager("READY=1", { NOTIFY_SOCKET: name });
  const bytes = new Uint8Array(64);
  expect(new TextDecoder().decode(bytes.subarray(0, manager.fd.read(bytes)))).toBe("READY=1");
});

it("without one, nothing happens", () => {
  expect(() => notifyManager("READY=1", {})).not.toThrow();
});
