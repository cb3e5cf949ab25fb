import { createHash } from "node:crypto";
import { get } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { HostStation } from "../../src/stations/host-station.ts";
import { icmpPing } from "../../src/stations/icmp-ping.ts";
import { iperfRate } from "../../src/stations/station.ts";

describe("the host as a station", () => {
  it("serves data whose checksum it told", async () => {
    const host = new HostStation("127.0.0.1", 28_086);
    onTestFinished(() => host.close());
    const sum = await host.serve(1);
    const hash = createHash("md5");
    await new Promise<void>((resolve, reject) =>
      get("http://127.0.0.1:28086/data", (response) => {
        response.on("data", (piece: Buffer) => hash.update(piece));
        response.on("end", resolve);
      }).on("error", reject),
    );
    expect(hash.digest("hex")).toBe(sum);
  });

  it("fetches what another serves, and says so where there is nothing", async () => {
    const nobody = Object.assign(new HostStation("127.0.0.1", 1), { name: "nobody" });
    await expect(new HostStation("127.0.0.1").fetch(nobody)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("ping without a program of that name", () => {
  it("counts answers and their times", async (context) => {
    const result = await icmpPing("127.0.0.1", 3, 1).catch((error: { code?: string }) => {
      if (error.code === "EPERM" || error.code === "EACCES") return null;
      throw error;
    });
    if (result === null) return context.skip("this user may not ping");
    expect([result.sent, result.received]).toEqual([3, 3]);
    expect(result.minMs <= result.avgMs && result.avgMs <= result.maxMs).toBe(true);
  });
});

describe("iperf3's report", () => {
  it("has the receiver's rate", () => {
    expect(iperfRate('noise {"end": {"sum_received": {"bits_per_second": 12.5}}}', "guest 1")).toBe(12.5);
  });

  it("that is none is an error that shows it", () => {
    expect(() => iperfRate("iperf3: error - refused", "guest 1")).toThrow("guest 1: iperf3 said: iperf3: error");
  });
});
