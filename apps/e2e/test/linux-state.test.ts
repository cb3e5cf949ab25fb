import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Hub } from "@vmmkit/backend-loopback";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { watchAnnouncements } from "./state/announcements.ts";
import { ADDRESSES, type GuestPair, joinPair, SUM_FILE } from "./state/pair.ts";
import type { SecondProcessResult } from "./state/second-process.ts";
import { configure, noLoss, ping, type ServedFile, serveFile, waitUntil } from "./support/traffic.ts";

const SECOND_PROCESS = fileURLToPath(new URL("./state/second-process.ts", import.meta.url));
/** Copies of busybox in the file that is on its way: about 4 MB. */
const COPIES = 2;
/** So much of it has come when something happens. */
const SOME_BYTES = 1 << 20;

describe("Linux, while a file is on its way", () => {
  let pair: GuestPair | null = null;
  let file: ServedFile = { path: "", md5: "" };
  let small: ServedFile = file;

  const guests = (): GuestPair => {
    if (pair === null) throw new Error("the guests did not boot");
    return pair;
  };

  /** Lets alice fetch the file, and comes when some of it is there and most of it is not. */
  async function beginTransfer(): Promise<void> {
    const { alice } = guests();
    const { receive } = alice.card(0).counters;
    const before = receive.bytes;
    const fetch = `wget -q -O - http://${ADDRESSES.bob}/${file.path} | md5sum >${SUM_FILE}.part; mv ${SUM_FILE}.part ${SUM_FILE}`;
    await alice.sh(`rm -f ${SUM_FILE}; (${fetch}) >/dev/null 2>&1 &`);
    while (receive.bytes - before < SOME_BYTES) await sleep(5);
    expect(receive.bytes - before).toBeLessThan((COPIES << 20) + SOME_BYTES);
  }

  beforeAll(async () => {
    pair = await joinPair(new Hub());
    const { alice, bob } = pair;
    await configure(alice, "eth0", ADDRESSES.alice);
    await configure(bob, "eth0", ADDRESSES.bob);
    expect(await ping(alice, ADDRESSES.bob)).toEqual(noLoss(5));
    file = await serveFile(bob, COPIES);
    small = await serveFile(bob, 1);
  });

  afterAll(async () => {
    await Promise.all([pair?.alice.destroy(), pair?.bob.destroy()]);
  });

  it("gets other backends for both cards, announces itself there, and has the whole file", async () => {
    const { alice, bob } = guests();
    await beginTransfer();
    const other = new Hub();
    const wire = watchAnnouncements(other.port());
    // Alice has time to see that the cable is out; bob does not notice.
    alice.card(0).setLink(false);
    await waitUntil(alice, "[ $(cat /sys/class/net/eth0/carrier) = 0 ]");
    alice.card(0).setBackend(wire.backend);
    bob.card(0).setBackend(other.port());
    await waitUntil(alice, "[ $(cat /sys/class/net/eth0/carrier) = 1 ]");
    expect(await alice.sh(`ls ${SUM_FILE} 2>&1 || true`)).toContain("No such file");
    await waitUntil(alice, `[ -e ${SUM_FILE} ]`);
    expect((await alice.sh(`cat ${SUM_FILE}`)).slice(0, 32)).toBe(file.md5);
    expect(wire.announced).toContain(ADDRESSES.alice);
    expect(await ping(bob, ADDRESSES.alice)).toEqual(noLoss(5));
  });

  it("goes on in another process: the file comes to its end there, and there is more", async () => {
    const { alice, bob } = guests();
    await beginTransfer();
    const states = await Promise.all([alice.save(), bob.save()]);
    await Promise.all([alice.destroy(), bob.destroy()]);
    const folder = await mkdtemp(join(tmpdir(), "vmmkit-state-"));
    try {
      const files = [join(folder, "alice"), join(folder, "bob")];
      await Promise.all(files.map((path, i) => writeFile(path, new Uint8Array(states[i] ?? new ArrayBuffer(0)))));
      const result = JSON.parse(await runSecondProcess([...files, small.path])) as SecondProcessResult;
      expect(result).toEqual({
        sum: file.md5,
        fetched: small.md5,
        pings: noLoss(5),
        announced: expect.arrayContaining([ADDRESSES.alice]),
        complaints: [],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** @returns what it wrote @throws Error where it fails */
async function runSecondProcess(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), SECOND_PROCESS, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`the second process ended with ${code}: ${output}`);
  return output;
}
