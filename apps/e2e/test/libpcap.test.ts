import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type LiveBackend, libpcapVersion, liveBackend } from "@vmmkit/backend-pcap/node";
import { PosixError, UnsupportedPlatformError, unshareNetwork } from "@vmmkit/posix";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { configure, noLoss, ping, serveFile } from "./support/traffic.ts";

const HOST = "10.6.0.1";
const GUEST = "10.6.0.2";
const FILE = Buffer.alloc(3_000_001, "What the host serves. ");

/** A cable of the kernel's: the guest's card shares the end "near", and the kernel itself stands at "far". */
const SETUP = [
  "ip link set lo up",
  "ip link add near type veth peer name far",
  "ip link set near up",
  "ip link set far up",
  `ip addr add ${HOST}/24 dev far`,
  // Otherwise the kernel leaves checksums and segmentation to a cable that leaves them to whoever listens.
  "ethtool -K far tx off tso off gso off gro off",
];

/** Goes into a network namespace of its own. Answers why it may not, or null. */
function ownNetwork(): string | null {
  try {
    libpcapVersion();
    unshareNetwork();
  } catch (error) {
    if (error instanceof UnsupportedPlatformError || error instanceof PosixError) return error.message;
    throw error;
  }
  for (const command of SETUP) {
    const [program = "", ...words] = command.split(" ");
    execFileSync(program, words, { stdio: "pipe" });
  }
  return null;
}

const impossible = ownNetwork();

describe.skipIf(impossible !== null)(`a guest on an interface through libpcap${because(impossible)}`, () => {
  let backend: LiveBackend;
  let guest: CardGuest;
  let server: Server;

  beforeAll(async () => {
    server = createServer((_request, response) => response.end(FILE)).listen(8080, HOST);
    await once(server, "listening");
    backend = liveBackend({ interface: "near", filter: "arp or ip" });
    guest = await CardGuest.boot("guest", [{ backend }]);
    await configure(guest, "eth0", GUEST);
  });

  afterAll(async () => {
    await guest?.destroy();
    await backend?.close();
    server?.close();
  });

  it("pings the host", async () => {
    expect(await ping(guest, HOST, { size: 1400 })).toEqual(noLoss(5));
  });

  it("fetches a file from the host", async () => {
    const sum = await guest.sh(`wget -q -O - http://${HOST}:8080/ | md5sum`);
    expect(sum.slice(0, 32)).toBe(createHash("md5").update(FILE).digest("hex"));
  });

  it("serves one to the host", async () => {
    const file = await serveFile(guest, 1);
    const bytes = await (await fetch(`http://${GUEST}/${file.path}`)).arrayBuffer();
    expect(createHash("md5").update(new Uint8Array(bytes)).digest("hex")).toBe(file.md5);
  });

  it("lost nothing on the way, and no card complained of its guest", () => {
    expect(backend.stats().dropped).toMatchObject({ tooLong: 0, refused: 0, noRoom: 0 });
    expect(guest.complaints).toEqual([]);
  });
});
