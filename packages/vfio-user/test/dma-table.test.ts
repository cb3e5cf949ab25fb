import { describe, expect, it } from "vitest";
import { dmaMap, dmaUnmap, guestMemory } from "./support/client.ts";
import { serveToy } from "./support/rig.ts";

const [DMA_MAP, DMA_UNMAP] = [2, 3];

describe("VFIO_USER_DMA_MAP, VFIO_USER_DMA_UNMAP", () => {
  it("a mapping with a descriptor is guest memory, at its offset in the file", () => {
    const { connect, server } = serveToy();
    const client = connect();
    const { fd, buffer } = guestMemory(0x4000);
    new Uint8Array(buffer)[0x1003] = 77;
    client.succeed(DMA_MAP, dmaMap(0x10_0000, 0x2000, 0x1000), [fd]);
    const region = server.memory.find(0x10_0000, 0x2000);
    expect(region?.bytes[3]).toBe(77);
    expect(region?.hostAddress).toBeGreaterThan(0);
    expect(server.memory.write(0x10_1000, Uint8Array.of(5))).toBe(true);
    expect(new Uint8Array(buffer)[0x2000]).toBe(5);
  });

  it("a read-only mapping is memory that no device writes", () => {
    const { connect, server } = serveToy();
    const { fd } = guestMemory(0x1000);
    connect().succeed(DMA_MAP, dmaMap(0, 0x1000, 0, 1), [fd]);
    expect(server.memory.write(0, Uint8Array.of(1))).toBe(false);
    expect(server.memory.read(0, new Uint8Array(4))).toBe(true);
  });

  it("a mapping without a descriptor is remembered, and no memory", () => {
    const { connect, server } = serveToy();
    const client = connect();
    client.succeed(DMA_MAP, dmaMap(0xa_0000, 0x1000));
    expect(server.memory.regions).toEqual([]);
    expect(client.request(DMA_MAP, dmaMap(0xa_0000, 0x1000)).errno).toBe(17);
    client.succeed(DMA_UNMAP, dmaUnmap(0xa_0000, 0x1000));
    expect(client.request(DMA_UNMAP, dmaUnmap(0xa_0000, 0x1000)).errno).toBe(2);
  });

  it("unmapping takes the region away and answers with the range", () => {
    const { connect, server } = serveToy();
    const client = connect();
    const { fd } = guestMemory(0x2000);
    client.succeed(DMA_MAP, dmaMap(0, 0x2000), [fd]);
    const generation = server.memory.generation;
    expect(client.request(DMA_UNMAP, dmaUnmap(0, 0x1000)).errno).toBe(2);
    const { body } = client.succeed(DMA_UNMAP, dmaUnmap(0, 0x2000));
    expect([...new Uint8Array(body.buffer, 0, 24)]).toEqual([...dmaUnmap(0, 0x2000)]);
    expect(server.memory.regions).toEqual([]);
    expect(server.memory.generation).toBeGreaterThan(generation);
  });

  it("all mappings go with one command, and with the client", () => {
    const { connect, server } = serveToy();
    const client = connect();
    const { fd } = guestMemory(0x2000);
    client.succeed(DMA_MAP, dmaMap(0, 0x1000), [fd]);
    client.succeed(DMA_MAP, dmaMap(0x1000, 0x1000, 0x1000), [fd]);
    client.succeed(DMA_UNMAP, dmaUnmap(0, 0, 2));
    expect(server.memory.regions).toEqual([]);
    client.succeed(DMA_MAP, dmaMap(0, 0x1000), [fd]);
    client.close();
    expect(server.memory.regions).toEqual([]);
  });

  it.each([
    ["overlaps another", dmaMap(0x1000, 0x2000), 17],
    ["is longer than its file", dmaMap(0x10_0000, 0x8000), 22],
    ["starts in the middle of a page", dmaMap(0x10_0800, 0x1000), 22],
    ["has no length", dmaMap(0x10_0000, 0), 22],
    ["starts in the middle of a file's page", dmaMap(0x10_0000, 0x1000, 0x200), 22],
    ["is beyond all memory", dmaMap(2 ** 63, 0x1000), 22],
    ["is cut short", dmaMap(0x10_0000, 0x1000).subarray(0, 20), 22],
  ])("refuses a mapping that %s", (_name, body, errno) => {
    const { connect, server } = serveToy();
    const client = connect();
    const { fd } = guestMemory(0x4000);
    client.succeed(DMA_MAP, dmaMap(0, 0x2000), [fd]);
    expect(client.request(DMA_MAP, body, [fd]).errno).toBe(errno);
    expect(server.memory.regions.length).toBe(1);
  });

  it("keeps no record of dirty pages and says so", () => {
    const client = serveToy().connect();
    client.succeed(DMA_MAP, dmaMap(0, 0x1000));
    expect(client.request(DMA_UNMAP, dmaUnmap(0, 0x1000, 1)).errno).toBe(95);
  });

  it("holds at most 1024 mappings", () => {
    const client = serveToy().connect();
    for (let i = 0; i < 1024; i++) client.succeed(DMA_MAP, dmaMap(i * 0x1000, 0x1000));
    expect(client.request(DMA_MAP, dmaMap(0x1000_0000, 0x1000)).errno).toBe(28);
  });
});
