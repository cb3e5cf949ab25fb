import { fstatSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  addressOf,
  createMemfd,
  Errno,
  EventFd,
  encodeAddress,
  IoVector,
  MAX_PASSED_FDS,
  Message,
  openSocket,
  type Socket,
  SocketDomain,
  SocketType,
  sendWithDescriptors,
} from "../src/index.ts";
import { testPair } from "./support/pipe.ts";

/** A message with room for some bytes. */
function room(bytes: Uint8Array): Message {
  const message = new Message(new IoVector(1));
  message.vector.push(bytes, 0, bytes.length);
  return message;
}

describe("bytes", () => {
  it("are gathered from ranges and scattered to ranges", () => {
    const [here, there] = testPair(SocketType.Datagram);
    const source = Uint8Array.from({ length: 100 }, (_, i) => i);
    const out = new Message();
    out.vector.push(source, 50, 10);
    out.vector.push(source, 0, 5);
    expect(out.send(here.fd.number)).toBe(15);
    const target = new Uint8Array(20);
    const into = new Message();
    into.vector.push(target, 15, 4);
    into.vector.push(target, 0, 12);
    expect(into.receive(there.fd.number)).toBe(15);
    expect([...target.subarray(15, 19), ...target.subarray(0, 11)]).toEqual([
      ...source.subarray(50, 60),
      ...source.subarray(0, 5),
    ]);
    expect([into.truncated, into.descriptorsLost]).toEqual([false, false]);
  });

  it("of a datagram that are more than there is room for are lost, which is said", () => {
    const [here, there] = testPair(SocketType.Datagram);
    here.fd.write(new Uint8Array(100));
    const message = room(new Uint8Array(10));
    expect(message.receive(there.fd.number)).toBe(10);
    expect(message.truncated).toBe(true);
    here.fd.write(new Uint8Array(3));
    expect(message.receive(there.fd.number)).toBe(3);
    expect(message.truncated).toBe(false);
  });

  it("nothing there, no room, nobody there: results, and no signal ends the process", () => {
    const [here, there] = testPair();
    expect(room(new Uint8Array(1)).receive(here.fd.number)).toBe(-Errno.EAGAIN);
    const chunk = room(new Uint8Array(1 << 16));
    let result = 1;
    while (result > 0) result = chunk.send(here.fd.number);
    expect(result).toBe(-Errno.EAGAIN);
    there.close();
    expect(chunk.send(here.fd.number)).toBe(-Errno.EPIPE);
  });
});

describe("addresses", () => {
  function bound(): { socket: Socket; port: number } {
    const socket = openSocket(SocketDomain.Ipv4, SocketType.Datagram);
    socket.bind({ family: "ipv4", address: "127.0.0.1", port: 0 });
    const address = socket.localAddress();
    return { socket, port: address?.family === "ipv4" ? address.port : 0 };
  }

  it("a datagram goes where it is told to, and says where it came from", () => {
    const [a, b] = [bound(), bound()];
    const out = room(Uint8Array.of(1, 2));
    out.setTarget(encodeAddress({ family: "ipv4", address: "127.0.0.1", port: b.port }));
    expect(out.send(a.socket.fd.number)).toBe(2);
    const into = room(new Uint8Array(10));
    expect(into.receive(b.socket.fd.number, false)).toBe(2);
    expect(into.source()).toEqual({ family: "ipv4", address: "127.0.0.1", port: a.port });
    out.setTarget(null);
    expect(out.send(a.socket.fd.number)).toBe(-89);
    a.socket.close();
    b.socket.close();
  });

  it("a connected pair has none", () => {
    const [here, there] = testPair(SocketType.Datagram);
    here.fd.write(new Uint8Array(1));
    const message = room(new Uint8Array(1));
    message.receive(there.fd.number);
    expect(message.source()).toBeNull();
  });
});

describe("SCM_RIGHTS", () => {
  it("descriptors go along, and are the same files there", () => {
    const [here, there] = testPair();
    const bell = new EventFd();
    const memory = createMemfd("passed", 4096);
    expect(sendWithDescriptors(here.fd, Uint8Array.of(1), [bell.fd, memory])).toBe(1);
    const message = room(new Uint8Array(8));
    expect(message.receive(there.fd.number)).toBe(1);
    const [first, second, ...others] = message.takeDescriptors();
    if (first === undefined || second === undefined) throw new Error("no descriptors came");
    expect(others).toEqual([]);
    bell.signal();
    const same = new EventFd(first);
    expect(same.take()).toBe(1);
    expect(fstatSync(second.number).ino).toBe(fstatSync(memory.number).ino);
    for (const one of [bell, same, memory, second]) one.close();
  });

  it("as many as the kernel passes, and not one more", () => {
    const [here, there] = testPair();
    const bell = new EventFd();
    const many = new Array(MAX_PASSED_FDS).fill(bell.fd);
    expect(sendWithDescriptors(here.fd, Uint8Array.of(1), many)).toBe(1);
    const message = room(new Uint8Array(1));
    expect(message.receive(there.fd.number)).toBe(1);
    const came = message.takeDescriptors();
    expect(came).toHaveLength(MAX_PASSED_FDS);
    for (const fd of came) fd.close();
    expect(() => sendWithDescriptors(here.fd, Uint8Array.of(1), [...many, bell.fd])).toThrow(
      '"fds" expected at most 253 descriptors, got 254',
    );
    bell.close();
  });

  it("those that nobody takes are closed, so nobody is drowned in descriptors", () => {
    const [here, there] = testPair(SocketType.Datagram);
    const bell = new EventFd();
    const message = room(new Uint8Array(1));
    const numbers: number[] = [];
    for (let i = 0; i < 3; i++) {
      sendWithDescriptors(here.fd, Uint8Array.of(i), [bell.fd]);
      message.receive(there.fd.number);
    }
    sendWithDescriptors(here.fd, Uint8Array.of(9), [bell.fd]);
    message.receive(there.fd.number);
    const [last] = message.takeDescriptors();
    if (last === undefined) throw new Error("no descriptor came");
    numbers.push(last.number);
    // The number is as low as if no other were open.
    const next = bell.fd.duplicate();
    expect(next.number).toBe(last.number + 1);
    for (const one of [next, last, bell]) one.close();
    expect(message.takeDescriptors()).toEqual([]);
  });

  it("are not passed on by a plain read: they are gone with it", () => {
    const [here, there] = testPair();
    const bell = new EventFd();
    sendWithDescriptors(here.fd, Uint8Array.of(1), [bell.fd]);
    expect(there.fd.read(new Uint8Array(1))).toBe(1);
    const next = bell.fd.duplicate();
    expect(next.number).toBe(bell.fd.number + 1);
    next.close();
    bell.close();
  });
});

it("control messages of a kind that did not come are null", () => {
  const [here, there] = testPair();
  here.fd.write(new Uint8Array(1));
  const message = new Message(new IoVector(1));
  const target = new Uint8Array(1);
  message.vector.pushAddress(addressOf(target), 1);
  message.receive(there.fd.number);
  expect(message.control(1, 1)).toBeNull();
});
