import { readdirSync, statSync } from "node:fs";
import { createMemfd } from "@vmmkit/posix";
import { describe, expect, it } from "vitest";
import { dmaMap, guestMemory, pack } from "./support/client.ts";
import { serveToy } from "./support/rig.ts";

const [DMA_MAP, GET_INFO, REGION_WRITE] = [2, 4, 10];
const INFO = pack([
  [4, 16],
  [4, 0],
  [4, 0],
  [4, 0],
]);

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("the server", () => {
  it("lets nobody but its user connect", () => {
    const { path } = serveToy();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("serves one client after another; who comes early waits", () => {
    const { connect, server } = serveToy();
    const first = connect();
    const second = connect("raw");
    expect([server.connected, server.counters.clients]).toEqual([true, 1]);
    first.close();
    second.negotiate();
    second.succeed(GET_INFO, INFO);
    expect(server.counters.clients).toBe(2);
    second.close();
    expect(server.connected).toBe(false);
  });

  it("takes a message in pieces, and several at once", () => {
    const { connect } = serveToy();
    const client = connect();
    const bytes = Uint8Array.from([
      ...pack([
        [2, 7],
        [2, GET_INFO],
        [4, 32],
        [4, 0],
        [4, 0],
      ]),
      ...INFO,
    ]);
    for (const byte of bytes) {
      client.sendRaw(Uint8Array.of(byte));
      client.turn();
    }
    expect(client.answer().id).toBe(7);
    client.sendRaw(Uint8Array.from([...bytes, ...bytes, ...bytes]));
    expect([client.answer().errno, client.answer().errno, client.answer().errno]).toEqual([0, 0, 0]);
  });

  it.each([
    [
      "shorter than its header",
      pack([
        [2, 1],
        [2, GET_INFO],
        [4, 15],
        [4, 0],
        [4, 0],
      ]),
    ],
    [
      "longer than any",
      pack([
        [2, 1],
        [2, GET_INFO],
        [4, 0xffff_ffff],
        [4, 0],
        [4, 0],
      ]),
    ],
    [
      "that answers what was not asked",
      pack([
        [2, 1],
        [2, GET_INFO],
        [4, 16],
        [4, 1],
        [4, 0],
      ]),
    ],
  ])("ends a connection with a message %s", (_name, bytes) => {
    const { connect, server } = serveToy();
    const client = connect();
    client.sendRaw(bytes);
    expect(client.ended).toBe(true);
    expect(server.connected).toBe(false);
    expect(connect().succeed(GET_INFO, INFO).errno).toBe(0);
  });

  it("answers commands that it does not know with an error, and goes on", () => {
    const client = serveToy().connect();
    for (const command of [0, 6, 11, 12, 15, 16, 17, 18, 19, 0xffff]) expect(client.request(command).errno).toBe(95);
    client.succeed(GET_INFO, INFO);
  });

  it("closes descriptors that no command takes", () => {
    const { connect } = serveToy();
    const client = connect();
    const fds = [createMemfd("a", 4096), createMemfd("b", 4096)];
    const before = openDescriptors();
    client.succeed(GET_INFO, INFO, fds);
    expect(client.request(DMA_MAP, dmaMap(0, 0x1000), fds).errno).toBe(22);
    expect(openDescriptors()).toBe(before);
  });

  it("ends a connection that sends more descriptors than a message can have", () => {
    const { connect } = serveToy();
    const client = connect();
    const fds = Array.from({ length: 9 }, () => createMemfd("x", 4096));
    client.send(GET_INFO, INFO, fds);
    expect(client.ended).toBe(true);
  });

  it("holds nothing of a client that is gone", () => {
    const { connect } = serveToy();
    const { fd } = guestMemory(0x1000);
    const before = openDescriptors();
    for (let i = 0; i < 20; i++) {
      const client = connect();
      client.succeed(DMA_MAP, dmaMap(0, 0x1000), [fd]);
      client.send(GET_INFO, INFO.subarray(0, 3), [fd]);
      client.close();
    }
    expect(openDescriptors()).toBe(before);
  });

  it("says so where the client shares no memory, once", () => {
    const { connect, log } = serveToy();
    const client = connect();
    client.succeed(DMA_MAP, dmaMap(0, 0x1000));
    for (let i = 0; i < 3; i++)
      client.succeed(REGION_WRITE, [
        ...pack([
          [8, 0],
          [4, 0],
          [4, 1],
        ]),
        1,
      ]);
    expect(log.filter((line) => line.includes("share=on")).length).toBe(1);
  });

  it("reads no more from a client that takes no answers, and goes on when it does", () => {
    const { connect, server } = serveToy();
    const client = connect();
    const read = [
      ...pack([
        [8, 0],
        [4, 7],
        [4, 256],
      ]),
    ];
    const message = Uint8Array.from([
      ...pack([
        [2, 1],
        [2, 9],
        [4, 16 + read.length],
        [4, 0],
        [4, 0],
      ]),
      ...read,
    ]);
    let sent = 0;
    try {
      for (; sent < 100_000; sent++) {
        client.sendRaw(message);
        if (sent % 100 === 0) client.turn();
      }
    } catch {
      // The socket takes no more.
    }
    expect(sent).toBeLessThan(100_000);
    client.turn();
    const answered = server.counters.commands;
    client.turn();
    expect(server.counters.commands).toBe(answered);
    for (let i = 0; i < sent; i++) expect(client.answer().errno).toBe(0);
  });
});
