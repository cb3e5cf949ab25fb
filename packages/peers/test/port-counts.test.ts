import { describe, expect, it } from "vitest";
import { portCounts } from "../src/port-counts.ts";

/** Made of testpmd 22.11's own lines. */
function block(received: number, sent: number): string {
  return `
  ######################## NIC statistics for port 0  ########################
  RX-packets: ${received}     RX-missed: 0          RX-bytes:  0
  RX-errors: 0
  RX-nombuf:  0         
  TX-packets: ${sent}   TX-errors: 0          TX-bytes:  0

  Throughput (since last show)
  Rx-pps:            0          Rx-bps:            0
`;
}

const SUMMARY = `
  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++
  RX-packets: 7              RX-dropped: 0             RX-total: 7
  TX-packets: 8              TX-dropped: 0             TX-total: 8
`;

describe("testpmd's counts of a port", () => {
  it("are those that it said last", () => {
    expect(portCounts(block(1, 2) + block(228_864, 18_090_400))).toEqual({ received: 228_864, sent: 18_090_400 });
  });

  it("are not the sums over all ports", () => {
    expect(portCounts(SUMMARY)).toBeNull();
    expect(portCounts(SUMMARY + block(3, 4) + SUMMARY)).toEqual({ received: 3, sent: 4 });
  });

  it("are there once all of them are", () => {
    const half = block(5, 6).slice(0, block(5, 6).indexOf("TX-packets"));
    expect(portCounts(half)).toBeNull();
    expect(portCounts(block(1, 2) + half)).toEqual({ received: 1, sent: 2 });
  });
});
