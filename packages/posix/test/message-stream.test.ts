import { afterEach, describe, expect, it } from "vitest";
import {
  EventFd,
  type Fd,
  MessageStream,
  Poller,
  type Socket,
  SocketType,
  sendWithDescriptors,
  socketPair,
} from "../src/index.ts";

/** Messages here: a byte that says how many follow. */
const LIMITS = { headerBytes: 1, maxBodyBytes: 100, maxDescriptors: 2 };

interface Bench {
  readonly peer: Socket;
  readonly stream: MessageStream;
  readonly poller: Poller;
  readonly bodies: number[][];
  readonly fds: Fd[][];
  readonly ends: string[];
}

const open: Bench[] = [];
afterEach(() => {
  for (const { peer, stream, poller, fds } of open.splice(0)) {
    for (const fd of fds.flat()) fd.close();
    stream.close();
    peer.close();
    poller.close();
  }
});

function bench(): Bench {
  const [peer, own] = socketPair(SocketType.Stream);
  const poller = new Poller();
  const [bodies, fds, ends]: [number[][], Fd[][], string[]] = [[], [], []];
  const stream = new MessageStream(own, poller, {
    ...LIMITS,
    bodyBytes: (header) => header.getUint8(0),
    onMessage: (_header, body, taken) => {
      bodies.push([...new Uint8Array(body.buffer, body.byteOffset, body.byteLength)]);
      fds.push(taken);
    },
    onEnd: (reason) => ends.push(reason),
  });
  const made = { peer, stream, poller, bodies, fds, ends };
  open.push(made);
  return made;
}

describe("MessageStream", () => {
  it("takes messages however they are cut, those without a body too", () => {
    const { peer, poller, bodies } = bench();
    for (const piece of [[2, 7], [8, 0], [1, 9, 3, 1, 2], [3]]) {
      peer.fd.write(Uint8Array.from(piece));
      poller.wait(0);
    }
    expect(bodies).toEqual([[7, 8], [], [9], [1, 2, 3]]);
  });

  it("descriptors belong to the message that they came with", () => {
    const { peer, poller, fds } = bench();
    const bells = [new EventFd(), new EventFd()];
    peer.fd.write(Uint8Array.of(1, 1));
    sendWithDescriptors(peer.fd, Uint8Array.of(1, 2), [bells[0]?.fd, bells[1]?.fd] as Fd[]);
    peer.fd.write(Uint8Array.of(1, 3));
    poller.wait(0);
    expect(fds.map((list) => list.length)).toEqual([0, 2, 0]);
    for (const bell of bells) bell.close();
  });

  it("ends where a message is too long, or brings too many descriptors", () => {
    const [long, many] = [bench(), bench()];
    long.peer.fd.write(Uint8Array.of(101));
    long.poller.wait(0);
    const bell = new EventFd();
    sendWithDescriptors(many.peer.fd, Uint8Array.of(1, 1), [bell.fd, bell.fd, bell.fd]);
    many.poller.wait(0);
    expect([long.ends.length, many.ends.length, long.stream.closed, many.stream.closed]).toEqual([1, 1, true, true]);
    bell.close();
  });

  it("says once that the other side is gone, and nothing of an end that it was told", () => {
    const [gone, told] = [bench(), bench()];
    gone.peer.close();
    gone.poller.wait(0);
    gone.stream.close();
    told.stream.close();
    expect([gone.ends, told.ends]).toEqual([["the other side closed the connection"], []]);
  });

  it("keeps what the socket does not take, and reads no more until it did", () => {
    const { peer, stream, poller, bodies } = bench();
    const message = new Uint8Array(50_000).fill(5);
    for (let i = 0; i < 20; i++) stream.send(message);
    peer.fd.write(Uint8Array.of(1, 1));
    poller.wait(0);
    expect(bodies).toEqual([]);
    const chunk = new Uint8Array(100_000);
    let got = 0;
    while (got < 20 * message.length) {
      got += Math.max(0, peer.fd.read(chunk));
      poller.wait(0);
    }
    expect(got).toBe(20 * message.length);
    poller.wait(0);
    expect(bodies).toEqual([[1]]);
  });
});
