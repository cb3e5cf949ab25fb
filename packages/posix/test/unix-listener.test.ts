import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { listenUnix, openSocket, Poller, type Socket, SocketDomain, SocketType } from "../src/index.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "vmmkit-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function connect(path: string): Socket {
  const socket = openSocket(SocketDomain.Unix, SocketType.Stream);
  onTestFinished(() => socket.close());
  socket.connect({ family: "unix", path });
  return socket;
}

it("takes one connection, and the next when it is told; the file has its mode and goes with it", () => {
  const path = join(folder(), "it.sock");
  const poller = new Poller();
  const taken: Socket[] = [];
  const listener = listenUnix({ at: path, mode: 0o640, poller }, (socket) => taken.push(socket));
  onTestFinished(() => {
    for (const socket of taken) socket.close();
    poller.close();
  });
  expect(statSync(path).mode & 0o777).toBe(0o640);
  connect(path);
  connect(path);
  poller.wait(0);
  poller.wait(0);
  expect(taken.length).toBe(1);
  listener.next();
  poller.wait(0);
  expect(taken.length).toBe(2);
  listener.close();
  listener.close();
  expect(existsSync(path)).toBe(false);
});

it("takes a socket over that listens already, and leaves its file alone", () => {
  const path = join(folder(), "it.sock");
  const poller = new Poller();
  onTestFinished(() => poller.close());
  const given = openSocket(SocketDomain.Unix, SocketType.Stream);
  given.bind({ family: "unix", path });
  given.listen();
  const taken: Socket[] = [];
  const listener = listenUnix({ at: given.fd, poller }, (socket) => taken.push(socket));
  connect(path);
  poller.wait(0);
  expect(taken.length).toBe(1);
  taken[0]?.close();
  listener.close();
  expect([given.fd.closed, existsSync(path)]).toEqual([true, true]);
});
