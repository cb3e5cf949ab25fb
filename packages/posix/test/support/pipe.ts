import { onTestFinished } from "vitest";
import { addressOf } from "../../src/addresses.ts";
import { Fd, type Socket, SocketType, socketPair } from "../../src/index.ts";
import { libc } from "../../src/libc.ts";

/** Two connected sockets, closed with the test. */
export function testPair(type: number = SocketType.Stream): [Socket, Socket] {
  const pair = socketPair(type);
  onTestFinished(() => {
    for (const socket of pair) socket.close();
  });
  return pair;
}

/** A pipe that blocks: what comes out, what goes in. Closed with the test. */
export function blockingPipe(): [Fd, Fd] {
  const fds = new Int32Array(2);
  if (libc().pipe2(addressOf(fds), 0) < 0) throw new Error("no pipe");
  const ends: [Fd, Fd] = [new Fd(fds[0] ?? -1), new Fd(fds[1] ?? -1)];
  onTestFinished(() => {
    for (const end of ends) end.close();
  });
  return ends;
}
