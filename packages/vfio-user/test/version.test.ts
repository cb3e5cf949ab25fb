import { describe, expect, it } from "vitest";
import { pack } from "./support/client.ts";
import { serveToy } from "./support/rig.ts";

describe("VFIO_USER_VERSION", () => {
  it("answers the capabilities that both sides know, and `write_multiple` never", () => {
    const client = serveToy().connect("raw");
    const proposed = { max_msg_fds: 16, max_data_xfer_size: 1 << 20, pgsizes: 4096, write_multiple: true, other: {} };
    expect(client.negotiate(proposed)).toEqual({ max_msg_fds: 8, max_data_xfer_size: 65536, pgsizes: 4096 });
  });

  it("takes a client that proposes no capabilities", () => {
    const client = serveToy().connect("raw");
    const { body } = client.succeed(
      1,
      pack([
        [2, 0],
        [2, 5],
      ]),
    );
    expect([body.getUint16(0, true), body.getUint16(2, true)]).toEqual([0, 1]);
    expect(
      client
        .succeed(
          4,
          pack([
            [4, 16],
            [4, 0],
            [4, 0],
            [4, 0],
          ]),
        )
        .body.getUint32(8, true),
    ).toBe(9);
  });

  it.each([
    [
      "another major version",
      [
        ...pack([
          [2, 1],
          [2, 0],
        ]),
      ],
    ],
    [
      "text that is no JSON",
      [
        ...pack([
          [2, 0],
          [2, 1],
        ]),
        0x7b,
        0,
      ],
    ],
    ["no version at all", [0]],
  ])("refuses %s and ends the connection", (_name, body) => {
    const client = serveToy().connect("raw");
    expect(client.request(1, body).errno).toBe(22);
    expect(client.ended).toBe(true);
  });

  it("answers no other command before it", () => {
    const client = serveToy().connect("raw");
    expect(client.request(4, new Uint8Array(16)).errno).toBe(22);
    expect(client.ended).toBe(true);
  });
});
