import { existsSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { TxResult } from "@vmmkit/ethif";
import { PeerCard, TestCard } from "@vmmkit/ethif-compliance";
import type { SocketAddress } from "@vmmkit/posix";
import { afterEach, describe, expect, test } from "vitest";
import { type SocketBackend, type StreamOptions, streamBackend } from "../src/index.ts";
import { NetPeer } from "./support/net-peer.ts";
import { freePath } from "./support/temporary.ts";
import { eventually, frame, lengthOf } from "./support/wire.ts";

const QUICK = { minMs: 1, maxMs: 4 };

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function backendOf(options: StreamOptions): SocketBackend {
  const backend = streamBackend(options);
  open.push(backend);
  return backend;
}

function cardOf(backend: SocketBackend): TestCard {
  const card = new TestCard(backend);
  card.init();
  card.post(16, [1600]);
  return card;
}

async function listeningPeer(path: string): Promise<NetPeer> {
  const peer = await NetPeer.listen({ path });
  open.push(peer);
  return peer;
}

function unix(path: string): SocketAddress {
  return { family: "unix", path };
}

describe("a stream that connects", () => {
  test("has no link where nobody listens, and one when somebody does", async () => {
    const path = freePath();
    const backend = backendOf({ connect: unix(path), reconnect: QUICK });
    const card = cardOf(backend);
    expect(card.link?.linkUp).toBe(false);
    expect(card.transmit(frame(0))).toBe(TxResult.Failed);
    await eventually(() => backend.stats().failures > 3);
    expect(backend.printState(card.driver)).toContain("not connected");
    expect(backend.printState(card.driver)).toContain("last error ENOENT");
    const peer = await listeningPeer(path);
    await backend.whenUp();
    expect(card.linkChanges).toEqual([true]);
    await eventually(() => peer.connected);
    await peer.send(frame(1));
    await eventually(() => card.received.length === 1);
    expect(backend.printState(card.driver)).toContain(": connected");
  });

  test("comes back as often as the connection is lost", async () => {
    const path = freePath();
    const peer = await listeningPeer(path);
    const backend = backendOf({ connect: unix(path), reconnect: QUICK });
    const card = cardOf(backend);
    for (let round = 1; round <= 5; round++) {
      await backend.whenUp();
      await eventually(() => peer.connected);
      await peer.send(frame(round));
      await eventually(() => card.received.length === round);
      await peer.setLink(false);
      await eventually(() => backend.stats().disconnects === round);
    }
    await backend.whenUp();
    expect(card.linkChanges).toEqual(Array.from({ length: 10 }, (_, i) => i % 2 === 1));
  });

  test("comes back when what came was no framing", async () => {
    const path = freePath();
    const peer = await listeningPeer(path);
    const backend = backendOf({ connect: unix(path), reconnect: QUICK });
    const card = cardOf(backend);
    await eventually(() => peer.connected);
    await peer.write(lengthOf(0x7fff_ffff));
    await eventually(() => backend.stats().corrupt === 1);
    await eventually(() => backend.stats().connects === 2);
    await eventually(() => peer.connected);
    await peer.send(frame(0));
    await eventually(() => card.received.length === 1);
  });

  test("waits for a TCP connection, and hears when it is refused", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    await new Promise((resolve) => server.close(resolve));
    const to = { family: "ipv4", address: "127.0.0.1", port } as const;
    const backend = backendOf({ connect: to, reconnect: QUICK });
    const card = cardOf(backend);
    await eventually(() => backend.stats().failures > 1);
    expect(backend.printState(card.driver)).toContain(`to 127.0.0.1:${port}, last error ECONNREFUSED`);
  });

  test("works over IPv6", async () => {
    const listening = backendOf({ listen: { family: "ipv6", address: "::1", port: 0 } });
    const { localAddress } = listening;
    if (localAddress === null) throw new Error("no address");
    const backend = backendOf({ connect: localAddress, reconnect: QUICK });
    const peer = new PeerCard(listening);
    const card = cardOf(backend);
    await Promise.all([backend.whenUp(), listening.whenUp()]);
    card.transmit(frame(5));
    card.flush();
    expect(await peer.receive()).toEqual(frame(5));
    expect(backend.printState(card.driver)).toMatch(/to \[::1\]:\d+|to \[0:0:0:0:0:0:0:1\]:\d+/);
  });

  test("tries once where it is told so", async () => {
    const path = freePath();
    const backend = backendOf({ connect: unix(path), reconnect: false });
    await listeningPeer(path);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(backend.stats()).toMatchObject({ failures: 1, connects: 0, linkUp: false });
  });

  test("stops trying when it is closed", async () => {
    const backend = backendOf({ connect: unix(freePath()), reconnect: QUICK });
    await backend.close();
    const { failures } = backend.stats();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(backend.stats().failures).toBe(failures);
  });
});

describe("a stream that listens", () => {
  test("takes one connection at a time, and the next when that is over", async () => {
    const path = freePath();
    const backend = backendOf({ listen: unix(path) });
    const card = cardOf(backend);
    const peers = [NetPeer.connect({ path }), NetPeer.connect({ path })];
    open.push(...peers);
    await backend.whenUp();
    await eventually(() => peers.every((peer) => peer.connected));
    for (const [i, peer] of peers.entries()) await peer.send(frame(i));
    await eventually(() => card.received.length === 1);
    expect(backend.stats().connects).toBe(1);
    await peers[0]?.setLink(false);
    await eventually(() => card.received.length === 2);
    expect(card.linkChanges.slice(-2)).toEqual([false, true]);
  });

  test("says where it listens", () => {
    const tcp = backendOf({ listen: { family: "ipv4", address: "127.0.0.1", port: 0 } });
    const { localAddress } = tcp;
    expect(localAddress?.family === "ipv4" && localAddress.port > 0).toBe(true);
    expect(backendOf({ connect: unix(freePath()) }).localAddress).toBeNull();
  });

  test("removes the file of a socket that nobody has any more, and its own when it is closed", async () => {
    const path = freePath();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(() => streamBackend({ listen: unix(path) })).toThrow("EADDRINUSE");
    const copy = freePath();
    // A hard link is what a process leaves behind that ends without cleaning up.
    const { linkSync } = await import("node:fs");
    linkSync(path, copy);
    await new Promise((resolve) => server.close(resolve));
    const backend = streamBackend({ listen: unix(copy) });
    expect(existsSync(copy)).toBe(true);
    await backend.close();
    expect(existsSync(copy)).toBe(false);
  });

  test("leaves other files alone", () => {
    const path = freePath();
    writeFileSync(path, "mine");
    expect(() => streamBackend({ listen: unix(path) })).toThrow("EADDRINUSE");
    expect(existsSync(path)).toBe(true);
  });

  test("works with a name that is no file", async () => {
    const name = unix(`\0vmmkit-test-${process.pid}`);
    const listening = backendOf({ listen: name });
    const backend = backendOf({ connect: name, reconnect: QUICK });
    await Promise.all([backend.whenUp(), listening.whenUp()]);
    expect(listening.printState(cardOf(listening).driver)).toContain("at unix:@vmmkit-test");
  });

  test("reads nothing before it has a card", async () => {
    const path = freePath();
    const backend = backendOf({ listen: unix(path) });
    const socket = connect(path);
    socket.write(Buffer.concat([lengthOf(60), frame(3)]));
    await backend.whenUp();
    const card = cardOf(backend);
    expect(card.link?.linkUp).toBe(true);
    await eventually(() => card.received.length === 1);
    socket.destroy();
    await eventually(() => card.linkChanges.length > 0);
  });
});

describe("a stream that was given", () => {
  test("two cards over a wire of their own", async () => {
    const { socketPair, SocketType } = await import("@vmmkit/posix");
    const [left, right] = socketPair(SocketType.Stream);
    const backend = backendOf({ fd: left.fd });
    const card = cardOf(backend);
    const far = streamBackend({ fd: right.fd });
    const peer = new PeerCard(far);
    peer.send(frame(1));
    await eventually(() => card.received.length === 1);
    await far.close();
    await eventually(() => card.linkChanges.length > 0);
    expect(backend.stats()).toMatchObject({ linkUp: false, disconnects: 1 });
  });
});
