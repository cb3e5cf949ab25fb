import { readdirSync } from "node:fs";
import { createMemfd, EventFd, SocketType, socketPair } from "@vmmkit/posix";
import { describe, expect, it, onTestFinished } from "vitest";
import { longs, words } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region, serve } from "./support/rig.ts";

const single = (...parts: Parameters<typeof region>): Uint8Array =>
  Uint8Array.from([...words(0, 0), ...region(...parts)]);

describe("features", () => {
  it("GET_FEATURES: the device's, the log of dirty pages and protocol features", () => {
    const { connect, backend } = serve();
    const features = connect().ask(1);
    const { state } = backend.device;
    expect(features.getUint32(0, true)).toBe((state.offered(0, "legacy") | (1 << 26) | (1 << 30)) >>> 0);
    expect(features.getUint32(4, true)).toBe(state.offered(1, "modern"));
  });

  it("GET_PROTOCOL_FEATURES: each that the README names", () => {
    const bits = serve().connect().agree();
    const named = [0, 1, 2, 3, 4, 5, 9, 12, 13, 15, 16];
    expect(bits).toBe(named.reduce((sum, bit) => sum + 2 ** bit, 0));
  });

  it("GET_QUEUE_NUM: one pair", () => {
    expect(serve().connect().ask(17).getUint32(0, true)).toBe(1);
  });

  it("SET_STATUS, GET_STATUS: what was written, and 0 resets", () => {
    const frontEnd = serve().connect();
    frontEnd.agree();
    expect(frontEnd.order(39, longs(0x0b))).toBe(true);
    expect(frontEnd.ask(40).getUint32(0, true)).toBe(0x0b);
    expect(frontEnd.order(39, longs(0))).toBe(true);
    expect(frontEnd.ask(40).getUint32(0, true)).toBe(0);
  });
});

describe("memory", () => {
  it("SET_MEM_TABLE replaces what there was, and keeps what stays", () => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    const [one, two] = [guestMemory(1 << 20), guestMemory(1 << 20)];
    expect(frontEnd.order(5, memoryTable(region(0, 1 << 20, 0x10_0000)), [one.fd])).toBe(true);
    const [kept] = backend.memory.regions;
    const table = memoryTable(region(0, 1 << 20, 0x10_0000), region(1 << 20, 1 << 20, 0x40_0000));
    expect(frontEnd.order(5, table, [one.fd, two.fd])).toBe(true);
    expect(backend.memory.regions.length).toBe(2);
    expect(backend.memory.regions[0]).toBe(kept);
    expect(frontEnd.order(5, memoryTable(region(1 << 20, 1 << 20, 0x40_0000)), [two.fd])).toBe(true);
    expect(backend.memory.regions.map(({ gpa }) => gpa)).toEqual([1 << 20]);
  });

  it.each([
    ["that overlaps another", single(MEMORY.gpa + 4096, 8192)],
    ["that is longer than its file", single(0x1000_0000, MEMORY.bytes + 4096)],
    ["without length", single(0x1000_0000, 0)],
    ["beyond all memory", single(2 ** 60, 4096)],
    ["at an offset in the middle of a page", single(0x1000_0000, 4096, 0x1000, 100)],
    ["that is cut short", single(0x1000_0000, 4096).subarray(0, 30)],
  ])("refuses a region %s", (_name, payload) => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    const { fd } = guestMemory();
    expect(frontEnd.order(37, single(), [fd])).toBe(true);
    expect(frontEnd.order(37, payload, [fd])).toBe(false);
    expect(frontEnd.order(37, single(0x1000_0000, 4096))).toBe(false);
    expect(backend.memory.regions.length).toBe(1);
  });

  it("a region is removed by its addresses and size alone", () => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    const { fd } = guestMemory();
    frontEnd.order(37, single(), [fd]);
    expect(frontEnd.order(38, single(MEMORY.gpa, 4096))).toBe(false);
    expect(frontEnd.order(38, single(MEMORY.gpa, MEMORY.bytes, MEMORY.user, 4096), [fd])).toBe(true);
    expect(backend.memory.regions).toEqual([]);
    expect(frontEnd.ask(36).getUint32(0, true)).toBe(512);
  });

  it("a region that is added for each pair of queues is there once, and gone when it is removed once", () => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    const { fd } = guestMemory();
    const done = [37, 37, 38, 38].map((request) => [
      frontEnd.order(request, single(), request === 37 ? [fd] : []),
      backend.memory.regions.length,
    ]);
    expect(done).toEqual([
      [true, 1],
      [true, 1],
      [true, 0],
      [true, 0],
    ]);
  });

  it("the log has the pages that were written while LOG_ALL is on, and no others", () => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    frontEnd.order(37, single(), [guestMemory().fd]);
    const log = guestMemory(4096);
    expect(frontEnd.ask(6, longs(4096, 0), [log.fd]).getUint32(0, true)).toBe(0);
    backend.memory.noteWrite(MEMORY.gpa, 4);
    expect(frontEnd.order(2, words(2 ** 26, 1))).toBe(true);
    backend.memory.noteWrite(MEMORY.gpa + 0x1ffe, 4);
    expect(frontEnd.order(2, words(0, 1))).toBe(true);
    backend.memory.noteWrite(MEMORY.gpa + 0x4000, 4);
    const bits = new Uint8Array(log.buffer);
    expect([bits[0x100 / 8], bits.reduce((sum, byte) => sum + byte, 0)]).toEqual([0b110, 0b110]);
  });
});

describe("configuration", () => {
  it("GET_CONFIG answers as many bytes as were asked for", () => {
    const { connect, backend } = serve();
    const answer = connect().ask(24, Uint8Array.from([...words(0, 6, 0), 0, 0, 0, 0, 0, 0]));
    expect([...new Uint8Array(answer.buffer, answer.byteOffset + 12, 6)]).toEqual([...backend.device.mac]);
  });

  it("a change of the link is told through the back-end's own line", () => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    const [ours, theirs] = socketPair(SocketType.Stream);
    onTestFinished(() => ours.close());
    expect(frontEnd.order(21, longs(0), [theirs.fd])).toBe(true);
    theirs.close();
    const { state } = backend.device;
    state.writeStatus(3, "modern");
    state.writeFeatures(0, 1 << 16, "modern");
    state.writeFeatures(1, 1, "modern");
    state.writeStatus(15, "modern");
    backend.device.setLink(false);
    const message = new Uint8Array(64);
    expect(ours.fd.read(message)).toBe(12);
    expect([...new Uint32Array(message.buffer, 0, 3)]).toEqual([2, 1, 0]);
  });

  it.each([
    [1500, true],
    [68, true],
    [67, false],
    [1501, false],
  ])("NET_SET_MTU %i: %s", (mtu, accepted) => {
    const frontEnd = serve().connect();
    frontEnd.agree();
    expect(frontEnd.order(20, longs(mtu))).toBe(accepted);
  });

  it("SEND_RARP reaches who announces", () => {
    const { connect, announced } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    expect(frontEnd.order(19, Uint8Array.of(2, 0, 0, 0, 0, 7, 0, 0))).toBe(true);
    expect(announced).toEqual([Uint8Array.of(2, 0, 0, 0, 0, 7)]);
  });
});

describe("a front-end that breaks the protocol", () => {
  const eventfd = (): EventFd => {
    const made = new EventFd();
    onTestFinished(() => made.close());
    return made;
  };

  it.each([
    ["a ring that there is not", 8, words(7, 64)],
    ["a ring at an address in no region", 9, Uint8Array.from([...words(0, 0), ...longs(1, 2, 3, 4)])],
    ["a request that is not known", 99, words()],
    ["a number cut short", 2, words(1)],
    ["a configuration beyond its end", 25, words(250, 100, 0)],
    ["a log without memory", 6, longs(4096, 0)],
    ["a kick without a descriptor", 12, longs(0)],
  ])("%s: is told so, or finds the connection closed", (_name, request, payload) => {
    const { connect } = serve();
    const frontEnd = connect();
    frontEnd.agree();
    expect(frontEnd.order(request, payload)).toBe(false);
    frontEnd.tell(request, payload);
    expect(frontEnd.ended).toBe(true);
    expect(connect().ask(17).getUint32(0, true)).toBe(1);
  });

  it("a descriptor that is no eventfd is none to be notified through", () => {
    const frontEnd = serve().connect();
    frontEnd.agree();
    const other = createMemfd("other", 4096);
    expect(frontEnd.order(12, longs(0), [other])).toBe(false);
    expect(frontEnd.order(13, longs(0), [other])).toBe(false);
    expect(frontEnd.order(13, longs(0), [eventfd().fd])).toBe(true);
    other.close();
  });

  it.each([
    ["of another version", words(1, 2, 0)],
    ["that is an answer", words(1, 5, 0)],
    ["longer than any", words(1, 1, 0xffff_ffff)],
  ])("a message %s ends the connection", (_name, header) => {
    const { connect, backend } = serve();
    const frontEnd = connect();
    frontEnd.socket.fd.write(header);
    expect(frontEnd.ended).toBe(true);
    expect(backend.connected).toBe(false);
  });

  it("nothing of a front-end that is gone is held", () => {
    const { connect, backend } = serve();
    const { fd } = guestMemory();
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 10; i++) {
      const frontEnd = connect();
      frontEnd.tell(5, memoryTable(region()), [fd]);
      frontEnd.tell(12, longs(0), [eventfd().fd]);
      frontEnd.tell(13, longs(1), [eventfd().fd]);
      frontEnd.close();
    }
    // The event descriptors of the loop are the test's own.
    expect(open()).toBe(before + 20);
    expect(backend.memory.regions).toEqual([]);
    expect(backend.counters.frontEnds).toBe(10);
  });
});
