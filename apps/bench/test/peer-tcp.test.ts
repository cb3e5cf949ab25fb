import { expect, it } from "vitest";
import { get32, L4_AT, put16, put32 } from "../src/peer/packet.ts";
import { TcpConnection } from "../src/peer/tcp.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const ADDRESS = Uint8Array.of(10, 0, 0, 1);
const ACK = 16;

/** A segment of the guest's without payload. */
function segment(flags: number, acknowledged: number): Uint8Array {
  const frame = new Uint8Array(L4_AT + 20);
  put16(frame, 16, 40);
  put32(frame, L4_AT + 8, acknowledged);
  frame[L4_AT + 12] = 5 << 4;
  frame[L4_AT + 13] = flags;
  put16(frame, L4_AT + 14, 0xffff);
  return frame;
}

it("a connection goes on where the number on the wire starts from 0 again", () => {
  let sent = 0;
  let last = 0;
  const put = (frame: Uint8Array): void => {
    const payload = frame.length - (L4_AT + 20);
    sent += payload;
    last = (get32(frame, L4_AT + 4) + payload) >>> 0;
  };
  const to = { mac: MAC, ip: ADDRESS, peerMac: MAC, peerIp: ADDRESS };
  const connection = new TcpConnection(put, to, segment(2, 0), 2 ** 33, true);
  connection.receive(segment(ACK, 1001));
  for (let rounds = 0; connection.acknowledged < 2 ** 32 + 10 ** 7 && rounds < 200_000; rounds++) {
    const before = connection.acknowledged;
    connection.receive(segment(ACK, last));
    expect(connection.acknowledged).toBeGreaterThan(before);
  }
  expect(connection.acknowledged).toBeGreaterThan(2 ** 32 + 10 ** 7 - 1);
  expect(sent).toBeGreaterThanOrEqual(connection.acknowledged);
});
