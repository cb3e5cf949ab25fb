import { describe, expect, it } from "vitest";
import { pack } from "./support/client.ts";
import { serveToy } from "./support/rig.ts";

const [GET_INFO, GET_REGION_INFO, REGION_READ, REGION_WRITE, RESET] = [4, 5, 9, 10, 13];
const CONFIG = 7;

function access(region: number, offset: number, count: number, data: readonly number[] = []): Uint8Array {
  return Uint8Array.from([
    ...pack([
      [8, offset],
      [4, region],
      [4, count],
    ]),
    ...data,
  ]);
}

describe("VFIO_USER_DEVICE_GET_INFO, VFIO_USER_DEVICE_GET_REGION_INFO", () => {
  it("is a PCI device that can be reset, with nine regions and five kinds of interrupts", () => {
    const { body } = serveToy()
      .connect()
      .succeed(
        GET_INFO,
        pack([
          [4, 16],
          [4, 0],
          [4, 0],
          [4, 0],
        ]),
      );
    expect([...new Uint32Array(body.buffer)]).toEqual([16, 3, 9, 5]);
  });

  it.each([
    [0, 3, 64],
    [1, 0, 0],
    [CONFIG, 3, 256],
    [8, 0, 0],
  ])("region %i has flags %i and %i bytes", (index, flags, size) => {
    const { body } = serveToy()
      .connect()
      .succeed(
        GET_REGION_INFO,
        pack([
          [4, 32],
          [4, 0],
          [4, index],
          [4, 0],
          [8, 0],
          [8, 0],
        ]),
      );
    expect([...new Uint32Array(body.buffer)]).toEqual([32, flags, index, 0, size, 0, 0, 0]);
  });

  it("there is no region 9", () => {
    const body = pack([
      [4, 32],
      [4, 0],
      [4, 9],
      [4, 0],
      [8, 0],
      [8, 0],
    ]);
    expect(serveToy().connect().request(GET_REGION_INFO, body).errno).toBe(22);
  });
});

describe("VFIO_USER_REGION_READ, VFIO_USER_REGION_WRITE", () => {
  it("an access of any width becomes those that a bus carries", () => {
    const { connect, device } = serveToy();
    const client = connect();
    client.succeed(REGION_WRITE, access(0, 1, 8, [1, 2, 3, 4, 5, 6, 7, 8]));
    client.succeed(REGION_READ, access(0, 0, 8));
    expect(device.accesses).toEqual(["w1@1=1", "w2@2=302", "w4@4=7060504", "w1@8=8", "r4@0", "r4@4"]);
  });

  it("a read answers what it was, and the bytes", () => {
    const { connect, device } = serveToy();
    device.bytes.set([9, 8, 7, 6, 5], 3);
    const { body } = connect().succeed(REGION_READ, access(0, 3, 5));
    expect([...new Uint8Array(body.buffer)]).toEqual([...access(0, 3, 5), 9, 8, 7, 6, 5]);
  });

  it("configuration space can be read whole and written in part", () => {
    const client = serveToy().connect();
    const whole = client.succeed(REGION_READ, access(CONFIG, 0, 256)).body;
    expect([whole.getUint16(16, true), whole.getUint16(18, true)]).toEqual([0x1af4, 0x1100]);
    client.succeed(REGION_WRITE, access(CONFIG, 4, 2, [7, 0]));
    expect(client.succeed(REGION_READ, access(CONFIG, 4, 2)).body.getUint16(16, true)).toBe(7);
  });

  it.each([
    ["outside of its region", access(0, 61, 4), 22],
    ["far outside", access(0, 2 ** 63, 4), 22],
    ["to a region with nothing in it", access(1, 0, 4), 22],
    ["to a region that there is not", access(77, 0, 4), 22],
    ["of more than a message holds", access(0, 0, 0xffff_ffff), 7],
    ["cut short", access(0, 0, 4).subarray(0, 12), 22],
  ])("refuses an access %s", (_name, body, errno) => {
    const { connect, device } = serveToy();
    const client = connect();
    expect(client.request(REGION_READ, body).errno).toBe(errno);
    expect(client.request(REGION_WRITE, body).errno).toBe(errno);
    expect(device.accesses).toEqual([]);
  });

  it("refuses a write that has fewer bytes than it says", () => {
    const { connect, device } = serveToy();
    expect(connect().request(REGION_WRITE, access(0, 0, 4, [1, 2])).errno).toBe(22);
    expect(device.accesses).toEqual([]);
  });

  it("a write that wants no answer gets none, and comes before what is asked next", () => {
    const { connect, device } = serveToy();
    const client = connect();
    client.send(REGION_WRITE, access(0, 0, 1, [5]), [], 0x10);
    expect(client.succeed(REGION_READ, access(0, 0, 1)).body.getUint8(16)).toBe(5);
    expect(device.accesses).toEqual(["w1@0=5", "r1@0"]);
  });

  it("a device that throws: the client has its answer, and the error is the embedder's", () => {
    const { connect, device, poller } = serveToy();
    const client = connect();
    device.fault = new Error("broken backend");
    client.send(REGION_WRITE, access(0, 0, 1, [5]));
    expect(() => poller.wait(0)).toThrow("broken backend");
    expect(client.answer().errno).toBe(22);
    expect(client.succeed(REGION_READ, access(0, 0, 1)).body.getUint8(16)).toBe(5);
  });
});

describe("VFIO_USER_DEVICE_RESET", () => {
  it("resets the function", () => {
    const { connect, device } = serveToy();
    const client = connect();
    client.succeed(RESET);
    expect(device.resets).toBe(1);
    client.close();
    expect(device.resets).toBe(2);
  });
});
