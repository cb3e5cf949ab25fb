import { describe, expect, it } from "vitest";
import { pingTimes } from "../src/qemu/ping-times.ts";

const SAID = `PING 10.77.1.2 (10.77.1.2) 56(84) bytes of data.
64 bytes from 10.77.1.2: icmp_seq=1 ttl=64 time=1.25 ms
64 bytes from 10.77.1.2: icmp_seq=2 ttl=64 time=0.811 ms
64 bytes from 10.77.1.2: icmp_seq=3 ttl=64 time=12.0 ms

--- 10.77.1.2 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 403ms
rtt min/avg/max/mdev = 0.811/4.687/12.000/5.175 ms
`;

describe("ping's round trips", () => {
  it("are read from its lines, sorted, in microseconds", () => {
    expect(pingTimes(SAID)).toEqual([811, 1250, 12_000]);
    expect(pingTimes("3 packets transmitted, 0 received")).toEqual([]);
  });
});
