import { describe, expect, it, onTestFinished } from "vitest";
import {
  Errno,
  interfaceIndex,
  openSocket,
  Poller,
  Ready,
  Shutdown,
  type Socket,
  type SocketAddress,
  SocketDomain,
  SocketType,
} from "../src/index.ts";
import { testPair } from "./support/pipe.ts";
import { temporaryPath } from "./support/temporary.ts";

function open(domain: number, type: number): Socket {
  const socket = openSocket(domain, type);
  onTestFinished(() => socket.close());
  return socket;
}

/** Waits until a socket is ready. */
function until(socket: Socket, ready: number): void {
  const poller = new Poller();
  poller.watch(socket.fd, ready, () => {});
  poller.wait(10_000);
  poller.close();
}

describe("stream sockets", () => {
  const places: readonly (readonly [string, number, () => SocketAddress])[] = [
    ["UNIX", SocketDomain.Unix, () => ({ family: "unix", path: temporaryPath("socket") })],
    ["UNIX without a file", SocketDomain.Unix, () => ({ family: "unix", path: `\0vmmkit-${process.pid}` })],
    ["TCP", SocketDomain.Ipv4, () => ({ family: "ipv4", address: "127.0.0.1", port: 0 })],
    ["TCP over IPv6", SocketDomain.Ipv6, () => ({ family: "ipv6", address: "::1", port: 0 })],
  ];
  for (const [name, domain, place] of places) {
    it(`${name}: listen, connect, accept, and bytes both ways`, () => {
      const server = open(domain, SocketType.Stream);
      server.bind(place());
      server.listen();
      const address = server.localAddress();
      if (address === null) throw new Error("no address");
      expect(server.accept()).toBeNull();
      const client = open(domain, SocketType.Stream);
      if (!client.connect(address)) until(client, Ready.Write);
      expect(client.takeError()).toBe(0);
      until(server, Ready.Read);
      const accepted = server.accept();
      if (accepted === null) throw new Error("nobody came");
      onTestFinished(() => accepted.close());
      client.fd.write(Uint8Array.of(1, 2, 3));
      until(accepted, Ready.Read);
      expect(accepted.fd.read(new Uint8Array(8))).toBe(3);
      accepted.fd.write(Uint8Array.of(4));
      until(client, Ready.Read);
      expect(client.fd.read(new Uint8Array(8))).toBe(1);
      client.shutdown(Shutdown.Write);
      until(accepted, Ready.Read);
      expect(accepted.fd.read(new Uint8Array(8))).toBe(0);
    });
  }

  it("nobody listens there: the error says where", () => {
    const client = open(SocketDomain.Unix, SocketType.Stream);
    const path = temporaryPath("nobody");
    expect(() => client.connect({ family: "unix", path })).toThrow(expect.objectContaining({ code: "ENOENT", path }));
  });

  it("a connection that failed later says so once", () => {
    const taken = open(SocketDomain.Ipv4, SocketType.Stream);
    taken.bind({ family: "ipv4", address: "127.0.0.1", port: 0 });
    const address = taken.localAddress();
    if (address?.family !== "ipv4") throw new Error("no address");
    const client = open(SocketDomain.Ipv4, SocketType.Stream);
    let error = 0;
    try {
      if (!client.connect(address)) {
        until(client, Ready.Write);
        error = client.takeError();
      }
    } catch (refused) {
      error = (refused as { errno: number }).errno;
    }
    expect(error).toBe(Errno.ECONNREFUSED);
    expect(client.takeError()).toBe(0);
  });

  it("an address that is taken is an error with the address", () => {
    const first = open(SocketDomain.Ipv4, SocketType.Stream);
    first.bind({ family: "ipv4", address: "127.0.0.1", port: 0 });
    first.listen();
    const address = first.localAddress();
    if (address?.family !== "ipv4") throw new Error("no address");
    const second = open(SocketDomain.Ipv4, SocketType.Stream);
    expect(() => second.bind(address)).toThrow(`EADDRINUSE: address already in use, bind 127.0.0.1:${address.port}`);
  });
});

describe("pairs", () => {
  it("are connected and never block", () => {
    const [a, b] = testPair(SocketType.SeqPacket);
    expect(a.fd.read(new Uint8Array(1))).toBe(-1);
    a.fd.write(Uint8Array.of(1, 2));
    a.fd.write(Uint8Array.of(3));
    expect(b.fd.read(new Uint8Array(9))).toBe(2);
    expect(b.fd.read(new Uint8Array(9))).toBe(1);
  });

  it("the end of one is the end of the other, and shutting down what is not connected is nothing", () => {
    const [a, b] = testPair();
    a.close();
    expect(b.fd.read(new Uint8Array(1))).toBe(0);
    open(SocketDomain.Ipv4, SocketType.Stream).shutdown(Shutdown.Both);
  });
});

describe("options", () => {
  const SOL_SOCKET = 1;
  const SO_SNDBUF = 7;

  it("are set as a number or as bytes, and read as bytes", () => {
    const socket = open(SocketDomain.Ipv4, SocketType.Datagram);
    const size = (): number => new DataView(socket.getOption(SOL_SOCKET, SO_SNDBUF, 64).buffer).getInt32(0, true);
    socket.setOption(SOL_SOCKET, SO_SNDBUF, 20_000);
    // The kernel doubles it, for its own use.
    expect(size()).toBe(40_000);
    socket.setOption(SOL_SOCKET, SO_SNDBUF, Int32Array.of(10_000));
    expect(size()).toBe(20_000);
    expect(socket.getOption(SOL_SOCKET, SO_SNDBUF, 64)).toHaveLength(4);
  });

  it("that there are not are errors", () => {
    const socket = open(SocketDomain.Ipv4, SocketType.Datagram);
    expect(() => socket.setOption(SOL_SOCKET, 9999, 1)).toThrow("ENOPROTOOPT");
    expect(() => socket.getOption(SOL_SOCKET, 9999, 4)).toThrow("ENOPROTOOPT");
  });
});

it("interfaces have numbers, and 0 is none", () => {
  expect(interfaceIndex("lo")).toBe(1);
  expect(interfaceIndex("nothing0")).toBe(0);
});

it("a kind of socket that there is not is an error", () => {
  expect(() => openSocket(999, 1)).toThrow("EAFNOSUPPORT");
});
