import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { type TapBackend, tapBackend } from "@vmmkit/backend-tap";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CardGuest } from "./support/card-guest.ts";
import { joinHosts, TestHost } from "./support/host/test-host.ts";
import { pageCommands } from "./support/page-commands.ts";
import { configure, fetchFile, noLoss, ping, serveFile, waitUntil } from "./support/traffic.ts";

const COMMANDS = pageCommands(new URL("../../../docs/many-machines.md", import.meta.url));
const impossible = process.getuid?.() !== 0 || !existsSync("/dev/net/tun");

const ALICE = "10.0.0.1";
const BOB = "10.0.0.2";
const HOST_1 = "10.0.0.101";
const HOST_3 = "10.0.0.103";
const PORT = 8080;
const CARRIER = "/sys/class/net/eth0/carrier";
/** What a host serves: enough to fill windows, and not so much that an emulated processor is long busy with it. */
const SAMPLE_BYTES = 3_000_001;

// Two guests, each on the TAP interface of a machine; the machines are network namespaces, joined as the page says.
describe.skipIf(impossible)("Linux on TAP interfaces of two machines, joined by VXLAN", () => {
  const hosts: TestHost[] = [];
  const backends: TapBackend[] = [];
  const guests: CardGuest[] = [];
  const [host1, host2, host3] = [() => at(hosts, 0), () => at(hosts, 1), () => at(hosts, 2)];
  const [alice, bob] = [() => at(guests, 0), () => at(guests, 1)];

  beforeAll(async () => {
    hosts.push(new TestHost("1"), new TestHost("2"), new TestHost("3"));
    const addresses = hosts.map((host, i) => [`192.0.2.${i + 1}`, host] as const);
    hosts.push(joinHosts(new Map(addresses)));
    for (const [i, host] of [host1(), host2()].entries()) {
      host.sh(commands(`machine-${i + 1}`));
      host.sh(commands("guest"));
      backends.push(host.inside(() => tapBackend({ name: "vmm0", existing: true, vnetHeader: i === 0 })));
    }
    host1().sh(commands("host"));
    host3().sh(commands("machine-3"));
    for (const host of [host1(), host2()]) host.sh(commands("others"));
    const [first, second] = backends.map((backend) => [{ backend }]);
    const boots = [CardGuest.boot("alice", first ?? []), CardGuest.boot("bob", second ?? [])];
    guests.push(...(await Promise.all(boots)));
    await configure(alice(), "eth0", ALICE);
    await configure(bob(), "eth0", BOB);
  });

  afterAll(async () => {
    await Promise.all(guests.map((guest) => guest.destroy()));
    await Promise.all(backends.map((backend) => backend.close()));
    for (const host of hosts) host.close();
  });

  it("the guest hears the MTU of its interface", async () => {
    expect(await alice().sh("cat /sys/class/net/eth0/mtu")).toBe("1450");
  });

  it("guest and host ping each other, none lost", async () => {
    expect(await ping(alice(), HOST_1, { count: 20 })).toEqual(noLoss(20));
    expect(await host1().ping(ALICE, 20)).toBe(20);
  });

  it("files by HTTP, guest from host and host from guest, and their checksums hold", async () => {
    const sample = randomBytes(SAMPLE_BYTES);
    await host1().serve(sample, PORT);
    const sum = await alice().sh(`wget -q -O - http://${HOST_1}:${PORT}/ | md5sum`);
    expect(sum.slice(0, 32)).toBe(createHash("md5").update(sample).digest("hex"));
    const before = at(backends, 0).stats();
    const served = await serveFile(alice(), 1);
    expect(await host1().fetch(`http://${ALICE}/${served.path}`)).toBe(served.md5);
    // With the kernel's header a segment goes to the host whole, longer than any frame on a wire.
    const after = at(backends, 0).stats();
    const frames = after.framesOut - before.framesOut;
    expect((after.bytesOut - before.bytesOut) / frames).toBeGreaterThan(1450 + 14);
  });

  it("guests on different machines ping each other, up to the longest frames that pass", async () => {
    expect(await ping(alice(), BOB)).toEqual(noLoss(5));
    expect(await ping(bob(), ALICE)).toEqual(noLoss(5));
    expect(await ping(alice(), BOB, { size: 1450 - 28 })).toEqual(noLoss(5));
  });

  it("a file goes from guest to guest, each way", async () => {
    const [fromAlice, fromBob] = [await serveFile(alice(), 1), await serveFile(bob(), 1)];
    expect(await fetchFile(alice(), BOB, fromBob)).toBe(fromBob.md5);
    expect(await fetchFile(bob(), ALICE, fromAlice)).toBe(fromAlice.md5);
    // Their frames went through the overlay, and not past it.
    const sent = Number(host1().sh("cat /sys/class/net/vmmvx0/statistics/tx_bytes"));
    expect(sent).toBeGreaterThan(1_000_000);
  });

  it("a third machine is on the same Ethernet", async () => {
    expect(await ping(alice(), HOST_3)).toEqual(noLoss(5));
    expect(await host3().ping(BOB, 5)).toBe(5);
  });

  it("the interface goes down and up under the running guest", async () => {
    host1().sh("ip link set vmm0 down");
    await waitUntil(alice(), `[ $(cat ${CARRIER}) = 0 ]`);
    host1().sh("ip link set vmm0 up");
    await waitUntil(alice(), `[ $(cat ${CARRIER}) = 1 ]`);
    expect(await ping(alice(), BOB)).toEqual(noLoss(5));
  });

  it("the interface is deleted under the running guest, in the midst of traffic, and made anew", async () => {
    const pings = alice().guest.start(`ping -i 0.05 ${HOST_1}`);
    host1().sh("ip link delete vmm0");
    await waitUntil(alice(), `[ $(cat ${CARRIER}) = 0 ]`);
    host1().sh(commands("guest"));
    await waitUntil(alice(), `[ $(cat ${CARRIER}) = 1 ]`);
    pings.kill();
    await pings.result;
    expect(await ping(alice(), HOST_1)).toEqual(noLoss(5));
    expect(await ping(bob(), ALICE)).toEqual(noLoss(5));
    expect(at(backends, 0).stats()).toMatchObject({ lost: 1, recovered: 1 });
  });

  it("nothing was refused, and no card complained of its guest", () => {
    for (const backend of backends) {
      const { refused, tooLong, tooShort, queueFull, noMemory, noRoom } = backend.stats().dropped;
      expect([refused, tooLong, tooShort, queueFull, noMemory, noRoom]).toEqual([0, 0, 0, 0, 0, 0]);
    }
    expect(guests.flatMap(({ complaints }) => complaints)).toEqual([]);
  });
});

/** Commands of the page. @throws Error where it has no block of that name */
function commands(name: string): string {
  const text = COMMANDS.get(name);
  if (text === undefined) throw new Error(`the page has no commands for "${name}"`);
  return text;
}

function at<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new Error("it was not set up");
  return entry;
}
