import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { TxResult } from "@vmmkit/ethif";
import { TestCard } from "@vmmkit/ethif-compliance";
import { openSocket, type Socket, type SocketAddress, SocketDomain, SocketType, socketPair } from "@vmmkit/posix";
import { afterEach, describe, expect, test } from "vitest";
import { type DatagramOptions, datagramBackend, type SocketBackend } from "../src/index.ts";
import { freePath } from "./support/temporary.ts";
import { eventually, frame } from "./support/wire.ts";

const LOOPBACK = "127.0.0.1";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function backendOf(options: DatagramOptions): SocketBackend {
  const backend = datagramBackend(options);
  open.push(backend);
  return backend;
}

function cardOf(backend: SocketBackend, rooms = 16): TestCard {
  const card = new TestCard(backend);
  card.init();
  if (rooms > 0) card.post(rooms, [1600]);
  return card;
}

function unix(path: string): SocketAddress {
  return { family: "unix", path };
}

function boundSocket(address: SocketAddress): Socket {
  const domain = address.family === "unix" ? SocketDomain.Unix : SocketDomain.Ipv4;
  const socket = openSocket(domain, SocketType.Datagram);
  socket.bind(address);
  open.push(socket);
  return socket;
}

function nextDatagram(socket: Socket): Uint8Array | null {
  const buffer = new Uint8Array(new ArrayBuffer(70_000));
  const count = socket.fd.read(buffer);
  return count < 0 ? null : buffer.slice(0, count);
}

describe("UNIX datagrams", () => {
  test("have a link while somebody is at the path", async () => {
    const [near, far] = [freePath(), freePath()];
    const backend = backendOf({ local: unix(near), remote: unix(far), reconnect: { minMs: 1, maxMs: 4 } });
    const card = cardOf(backend);
    expect(card.link?.linkUp).toBe(false);
    expect(card.transmit(frame(0))).toBe(TxResult.Failed);
    const first = boundSocket(unix(far));
    await backend.whenUp();
    expect(card.linkChanges).toEqual([true]);
    expect(card.transmit(frame(1))).toBe(TxResult.Complete);
    expect(nextDatagram(first)).toEqual(frame(1));
    first.close();
    expect(card.transmit(frame(2))).toBe(TxResult.Failed);
    expect(card.linkChanges).toEqual([true, false]);
    expect(backend.stats()).toMatchObject({ connects: 1, disconnects: 1, dropped: { linkDown: 1, noPeer: 1 } });
  });

  test("find a peer again that starts anew at the same path", async () => {
    const [near, far] = [freePath(), freePath()];
    const first = boundSocket(unix(far));
    const backend = backendOf({ local: unix(near), remote: unix(far) });
    const card = cardOf(backend);
    expect(card.transmit(frame(0))).toBe(TxResult.Complete);
    first.close();
    const { unlinkSync } = await import("node:fs");
    unlinkSync(far);
    const second = boundSocket(unix(far));
    // Nothing was sent meanwhile, so the backend has not noticed: the frame that does notice goes to the new one.
    expect(card.transmit(frame(1))).toBe(TxResult.Complete);
    expect(nextDatagram(second)).toEqual(frame(1));
    expect(card.linkChanges).toEqual([]);
    second.connect(unix(near));
    second.fd.write(frame(2));
    await eventually(() => card.received.length === 1);
  });

  test("wait in the guest's memory while the peer's queue is full", async () => {
    const [near, far] = [freePath(), freePath()];
    const peer = boundSocket(unix(far));
    const backend = backendOf({ local: unix(near), remote: unix(far), queueFrames: 2000 });
    const card = cardOf(backend);
    let count = 0;
    while (card.lent < 20) card.transmit(frame(count++));
    expect(backend.stats().blocked).toBe(1);
    let arrived = 0;
    await eventually(() => {
      for (let bytes = nextDatagram(peer); bytes !== null; bytes = nextDatagram(peer)) {
        expect(bytes).toEqual(frame(arrived++));
      }
      return arrived === count;
    });
    expect(card.lent).toBe(0);
    card.verify();
  });

  test("that wait go back to the guest when the peer goes", async () => {
    const [near, far] = [freePath(), freePath()];
    const peer = boundSocket(unix(far));
    const backend = backendOf({ local: unix(near), remote: unix(far) });
    const card = cardOf(backend);
    while (card.lent < 5) card.transmit(frame(0));
    peer.close();
    await eventually(() => card.lent === 0);
    await eventually(() => card.linkChanges.length > 0);
    expect(card.linkChanges).toEqual([false]);
    const { linkDown, noPeer } = backend.stats().dropped;
    expect(linkDown + noPeer).toBe(5);
    card.verify();
  });

  test("remove their file when they are closed", async () => {
    const near = freePath();
    const backend = datagramBackend({ local: unix(near), remote: unix(freePath()) });
    expect(existsSync(near)).toBe(true);
    await backend.close();
    expect(existsSync(near)).toBe(false);
  });

  test("without a path of their own have a name that a peer can answer to", async () => {
    const far = freePath();
    const peer = boundSocket(unix(far));
    const backend = backendOf({ remote: unix(far) });
    const card = cardOf(backend);
    const { localAddress } = backend;
    if (localAddress?.family !== "unix") throw new Error("no name");
    expect(localAddress.path[0]).toBe("\0");
    peer.connect(localAddress);
    peer.fd.write(frame(1));
    await eventually(() => card.received.length === 1);
  });

  test("of a pair have no link when the other is gone", () => {
    const [near, far] = socketPair(SocketType.Datagram);
    const backend = backendOf({ fd: near.fd });
    const card = cardOf(backend);
    expect(card.transmit(frame(0))).toBe(TxResult.Complete);
    far.close();
    expect(card.transmit(frame(1))).toBe(TxResult.Failed);
    expect(card.transmit(frame(2))).toBe(TxResult.Failed);
    expect(card.linkChanges).toEqual([false]);
    expect(backend.stats().dropped).toMatchObject({ noPeer: 1, linkDown: 1 });
  });
});

describe("UDP", () => {
  function pair(): { backend: SocketBackend; peer: Socket } {
    const peer = boundSocket({ family: "ipv4", address: LOOPBACK, port: 0 });
    const remote = peer.localAddress();
    if (remote === null) throw new Error("no address");
    const backend = backendOf({ remote });
    if (backend.localAddress === null) throw new Error("no address");
    peer.connect(backend.localAddress);
    return { backend, peer };
  }

  test("always has a link, and counts what finds nobody", async () => {
    const { backend, peer } = pair();
    const card = cardOf(backend);
    peer.close();
    expect(card.link?.linkUp).toBe(true);
    // The first is refused after it was sent; whoever sends or reads next is told.
    expect(card.transmit(frame(0))).toBe(TxResult.Complete);
    await eventually(() => backend.stats().dropped.noPeer > 0);
    expect(card.transmit(frame(1))).toBe(TxResult.Complete);
    expect(backend.stats()).toMatchObject({ linkUp: true, framesOut: 2 });
  });

  test("hears nobody but its peer", async () => {
    const { backend, peer } = pair();
    const card = cardOf(backend);
    const to = backend.localAddress;
    const stranger = createSocket("udp4");
    if (to?.family !== "ipv4") throw new Error("no address");
    await new Promise((resolve) => stranger.send(frame(7), to.port, to.address, resolve));
    stranger.close();
    peer.fd.write(frame(8));
    await eventually(() => card.received.length === 1);
    expect(card.received).toEqual([frame(8)]);
  });

  test("leaves out datagrams that are no frames for this link", async () => {
    const { backend, peer } = pair();
    const card = cardOf(backend);
    for (const size of [0, 1, 13, 1519, 60_000]) peer.fd.write(new Uint8Array(new ArrayBuffer(size)));
    // A write of nothing sends nothing on some sockets and an empty datagram on these; either way it is no frame.
    peer.fd.write(frame(1));
    await eventually(() => card.received.length === 1);
    const { tooShort, tooLong } = backend.stats().dropped;
    expect([2, 3]).toContain(tooShort);
    expect(tooLong).toBe(2);
  });

  test("a frame in more ranges than one system call takes goes as one datagram", () => {
    const { backend, peer } = pair();
    const card = cardOf(backend);
    const bytes = frame(0, 1400);
    expect(card.transmit(bytes, new Array<number>(1399).fill(1))).toBe(TxResult.Complete);
    expect(nextDatagram(peer)).toEqual(bytes);
    card.verify();
  });

  test("frames that never fit into the guest's buffers are given up", async () => {
    const { backend, peer } = pair();
    const card = cardOf(backend, 0);
    card.post(3, [100]);
    peer.fd.write(frame(0, 1000));
    peer.fd.write(frame(1));
    await eventually(() => card.received.length === 1);
    expect(card.received).toEqual([frame(1)]);
    expect(backend.stats().dropped.noRoom).toBe(1);
  });
});

describe("multicast", () => {
  let port = 45_000 + (process.pid % 10_000);

  test("all in the group hear each other, and nobody hears itself", async () => {
    const multicast = { group: "239.255.77.2", port: port++, interface: LOOPBACK };
    const cards = [0, 1, 2].map(() => cardOf(backendOf({ multicast })));
    for (const [i, card] of cards.entries()) expect(card.transmit(frame(i))).toBe(TxResult.Complete);
    await eventually(() => cards.every((card) => card.received.length >= 2));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(cards.map((card) => card.received.length)).toEqual([2, 2, 2]);
    expect(cards[0]?.received).toEqual([frame(1), frame(2)]);
    expect(cards[2]?.received).toEqual([frame(0), frame(1)]);
  });

  test("a member that sends from the group's own port is heard too", async () => {
    // That is how QEMU does it.
    const multicast = { group: "239.255.77.3", port: port++, interface: LOOPBACK };
    const card = cardOf(backendOf({ multicast }));
    const other = createSocket({ type: "udp4", reuseAddr: true });
    await new Promise<void>((resolve) => other.bind(multicast.port, multicast.group, resolve));
    other.setMulticastInterface(LOOPBACK);
    await new Promise((resolve) => other.send(frame(5), multicast.port, multicast.group, resolve));
    await eventually(() => card.received.length === 1);
    expect(card.received).toEqual([frame(5)]);
    other.close();
  });
});

describe("options", () => {
  const remote = { family: "ipv4", address: LOOPBACK, port: 9 } as const;

  test.each([
    [{}, "expected exactly one of remote, multicast and fd, got 0"],
    [{ remote, multicast: { group: "224.0.0.1", port: 1 } }, "got 2"],
    [{ local: remote }, "expected exactly one"],
    [{ local: unix("/nowhere"), remote }, '"local" expected an address of the same kind as "remote", got unix'],
    [{ remote: { family: "ipv4", address: "localhost", port: 1 } }, '"address" expected an IPv4 address'],
    [{ remote: { family: "ipv4", address: LOOPBACK, port: 65_536 } }, '"port" expected'],
    [{ remote, mtu: 65_490 }, '"mtu" expected an integer from 68 to 65489, got 65490'],
    [{ remote, queueFrames: 0 }, '"queueFrames" expected an integer from 1 to 65536, got 0'],
    [{ remote, mac: new Uint8Array(6).fill(255) }, '"mac" expected the address of one station'],
    [{ remote, mac: new Uint8Array(5) }, '"mac" expected 6 bytes'],
    [{ multicast: { group: "192.0.2.1", port: 1 } }, '"multicast.group" expected 224.0.0.0 to 239.255.255.255'],
    [{ remote: unix("/nowhere"), reconnect: { minMs: 0 } }, '"reconnect.minMs" expected an integer from 1 to'],
    [
      { remote: unix("/nowhere"), reconnect: { minMs: 50, maxMs: 20 } },
      '"reconnect.maxMs" expected an integer from 50',
    ],
  ])("%j are refused", (options, message) => {
    expect(() => datagramBackend(options as DatagramOptions)).toThrow(message);
  });
});
