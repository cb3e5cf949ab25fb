import { execFileSync } from "node:child_process";
import { PosixError, unshareNetwork } from "@vmmkit/posix";
import { beforeAll, describe, expect, it } from "vitest";
import { tap } from "../src/backends/tap.ts";
import type { Wire } from "../src/backends/wire.ts";

/** Why there can be no interfaces here. */
let impossible: string | null = null;

function ip(command: string): void {
  execFileSync("ip", command.split(" "));
}

beforeAll(() => {
  try {
    unshareNetwork();
  } catch (error) {
    if (!(error instanceof PosixError)) throw error;
    impossible = "a network namespace of one's own takes root";
    return;
  }
  ip("link set lo up");
});

function open(name: string, guests = 1): Promise<Wire> {
  return tap.open({ argument: name, guests, names: ["guest 1"], capture: "none.pcapng" });
}

describe("--backend tap:NAME", () => {
  it("an interface without a carrier yet, as nobody is on it: the guest gets the address next to its own", async ({
    skip,
  }) => {
    if (impossible !== null) skip(impossible);
    ip("tuntap add dev next0 mode tap");
    ip("addr add 10.86.1.1/24 dev next0");
    ip("link set next0 up");
    const wire = await open("next0");
    expect(wire.addressOf(0)).toEqual({ address: "10.86.1.2", prefixBits: 24, mtu: 1500 });
    expect(wire.others).toMatchObject([{ name: "host", address: "10.86.1.1", web: "10.86.1.1:80" }]);
    await wire.close();
  });

  it("the last address of a subnet has its neighbour before it", async ({ skip }) => {
    if (impossible !== null) skip(impossible);
    ip("tuntap add dev last0 mode tap");
    ip("addr add 10.86.2.254/24 dev last0");
    ip("link set last0 up");
    const wire = await open("last0");
    expect(wire.addressOf(0).address).toBe("10.86.2.253");
    await wire.close();
  });

  it("one that is down, has no address or is not there is refused, and so are two guests", async ({ skip }) => {
    if (impossible !== null) skip(impossible);
    ip("tuntap add dev down0 mode tap");
    ip("addr add 10.86.3.1/24 dev down0");
    await expect(open("down0")).rejects.toThrow("interface down0 needs to be up with an IPv4 address");
    ip("tuntap add dev bare0 mode tap");
    ip("link set bare0 up");
    await expect(open("bare0")).rejects.toThrow("interface bare0 needs to be up");
    await expect(open("never0")).rejects.toThrow("interface never0 needs to be up");
    await expect(open("next0", 2)).rejects.toThrow("interface next0 carries one guest, not 2");
  });
});
