import { createHash } from "node:crypto";
import { type SocketBackend, streamBackend } from "@vmmkit/backend-socket";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { FILE_BYTES, GUEST_ADDRESS, HOST_NAME, PasstNetwork, whyNoPasst } from "./support/passt/passt-network.ts";

const impossible = whyNoPasst();

/** What `udhcpc` calls: it does what the lease says. */
const LEASE_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
ip route add default via $router
echo nameserver $dns >/etc/resolv.conf`;

// The whole network of a guest, without privileges: root is neither here nor there.
describe.skipIf(impossible !== null)(`a guest behind passt${because(impossible)}`, () => {
  let network: PasstNetwork;
  let backend: SocketBackend;
  let guest: CardGuest;

  beforeAll(async () => {
    network = await PasstNetwork.start();
    // passt's own MTU.
    backend = streamBackend({ connect: { family: "unix", path: network.socketPath }, mtu: 65_520 });
    guest = await CardGuest.boot("guest", [{ backend }]);
    await backend.whenUp();
  });

  afterAll(async () => {
    await guest?.destroy();
    await backend?.close();
    await network?.close();
  });

  it("is served by a process that is not root", async () => {
    expect(await network.userId()).toBeGreaterThan(0);
  });

  it("gets an address by DHCP", async () => {
    await guest.sh(`cat >/tmp/lease <<'end'\n${LEASE_SCRIPT}\nend\nchmod +x /tmp/lease; ip link set eth0 up`);
    const said = await guest.sh("udhcpc -n -q -f -t 10 -T 5 -i eth0 -s /tmp/lease 2>&1");
    expect(said, network.said).toContain(`lease of ${GUEST_ADDRESS} obtained`);
    expect(await guest.sh("cat /sys/class/net/eth0/mtu")).toBe("65520");
  });

  it("resolves a name", async () => {
    expect(await guest.sh(`nslookup -type=a ${HOST_NAME}`), network.said).toContain("10.9.0.254");
    await expect(guest.sh("nslookup -type=a nobody.lab.example")).rejects.toThrow("NXDOMAIN");
  });

  it("fetches a file from a server on the host, by name", async () => {
    const sum = await guest.sh(`wget -q -O - http://${HOST_NAME}:8080/file | md5sum`);
    const file = Buffer.alloc(FILE_BYTES, "What the host serves. ");
    expect(sum.slice(0, 32)).toBe(createHash("md5").update(file).digest("hex"));
  });

  it("sends a file to it", async () => {
    // busybox posts text alone.
    const own = await guest.sh("base64 /bin/busybox >/tmp/text; md5sum /tmp/text");
    const seen = await guest.sh(`wget -q -O - --post-file /tmp/text http://${HOST_NAME}:8080/`);
    expect(seen).toBe(own.slice(0, 32));
  });

  it("loses no frame, and keeps the backend and the card content", () => {
    expect(Object.values(backend.stats().dropped).reduce((sum, count) => sum + count, 0)).toBe(0);
    expect(guest.complaints).toEqual([]);
  });
});
