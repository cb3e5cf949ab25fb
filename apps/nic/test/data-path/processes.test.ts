import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ask } from "../../src/control/client.ts";
import type { CardReport } from "../../src/data-path/card-report.ts";
import { NicProcess } from "../support/nic-process.ts";

const WAIT = { timeout: 60_000, interval: 50 };
const CARDS = [
  ...["--vhost-user", "a.sock", "--name", "a", "--backend", "null", "--waiting", "poll"],
  ...["--vhost-user", "b.sock", "--name", "b"],
  ...["--vfio-user", "c.sock", "--name", "c", "--backend", "null", "--pcap", "c.pcapng", "--waiting", "wait"],
  ...["--vfio-user", "d.sock", "--name", "d"],
];

async function top(nic: NicProcess): Promise<readonly CardReport[]> {
  return (await ask(nic.at("ctl"), { do: "top" })).cards ?? [];
}

async function connectTo(path: string): Promise<Socket> {
  const vmm = connect(path);
  onTestFinished(() => void vmm.destroy());
  await once(vmm, "connect");
  return vmm;
}

/** The question of a vhost-user front-end what the device has, and that there is an answer. */
async function isServed(vmm: Socket): Promise<boolean> {
  vmm.write(new Uint8Array(Uint32Array.from([1, 1, 0]).buffer));
  const [answer] = await once(vmm, "data");
  return (answer as Buffer).length === 20;
}

describe("a data path in a process of its own", () => {
  const nic = new NicProcess();

  beforeAll(() =>
    nic.start(["serve", "--control", "ctl", "--uplink", "socket:listen:hub.sock", ...CARDS], "d: vfio-user"),
  );
  afterAll(() => nic.close());

  it("each card with a backend to itself has one, and the hub with all that is on it", async () => {
    const cards = await top(nic);
    expect(cards.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
    const [a, b, c, d] = cards.map(({ pid }) => pid);
    expect(new Set([nic.pid, a, b, c]).size).toBe(4);
    expect(d).toBe(b);
    for (const path of ["a.sock", "b.sock"]) expect(await isServed(await connectTo(nic.at(path)))).toBe(true);
  });

  it("each says how much processor time it has had, which grows where it never sleeps", async () => {
    const used = async (): Promise<Map<string, number>> => {
      const { processes = [] } = await ask(nic.at("ctl"), { do: "top" });
      return new Map(processes.map((one) => [one.cards.join(), one.userSeconds + one.systemSeconds]));
    };
    const before = await used();
    expect([...before.keys()].sort()).toEqual(["a", "b,d", "c"]);
    // The card "a" polls.
    await expect.poll(async () => (await used()).get("a"), WAIT).toBeGreaterThan((before.get("a") ?? 0) + 0.1);
  });

  it("what an uplink carried is reported", async () => {
    const none = { frames: 0, bytes: 0, failed: 0 };
    const { uplinks } = await ask(nic.at("ctl"), { do: "top" });
    expect(uplinks).toEqual([{ uplink: "socket:listen:hub.sock", out: none, in: none }]);
  });

  it("when it dies another one takes its place, with links and faults as they were, behind the same socket", async () => {
    await ask(nic.at("ctl"), { do: "link", card: "c", up: false });
    await ask(nic.at("ctl"), { do: "fault", card: "c", faults: "rx.drop=0.25" });
    const captured = readFileSync(nic.at("c.pcapng"));
    const before = await top(nic);
    process.kill(before[2]?.pid ?? 0, "SIGKILL");
    // Whoever comes meanwhile waits.
    await connectTo(nic.at("c.sock"));
    await expect.poll(async () => (await top(nic))[2]?.restarts, WAIT).toBe(1);
    await expect.poll(async () => (await top(nic))[2]?.connected, WAIT).toBe(true);
    const after = await top(nic);
    expect(after[2]).toMatchObject({ linkUp: false, capture: null });
    expect(after[2]?.pid).not.toBe(before[2]?.pid);
    expect(after.filter(({ name }) => name !== "c").map(({ pid }) => pid)).toEqual(
      before.filter(({ name }) => name !== "c").map(({ pid }) => pid),
    );
    expect(readFileSync(nic.at("c.pcapng"))).toEqual(captured);
    await expect(ask(nic.at("ctl"), { do: "capture-stop", card: "c" })).rejects.toThrow("no capture is running");
    expect(nic.said).toContain("the process of c ended with SIGKILL; another one in 50 ms");
  });

  it("they end with nic, and sockets are gone", async () => {
    const pids = (await top(nic)).map(({ pid }) => pid);
    expect(await nic.end()).toBe(0);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(["a", "b", "c", "d", "hub"].filter((name) => existsSync(nic.at(`${name}.sock`)))).toEqual([]);
  });
});

it("they end with nic however that ends", async () => {
  const nic = new NicProcess();
  onTestFinished(() => nic.close());
  await nic.start(["serve", "--control", "ctl", "--vhost-user", "a.sock", "--waiting", "poll"], "vhost-user at");
  const [card] = await top(nic);
  await nic.end("SIGKILL");
  await expect.poll(() => existsSync(`/proc/${card?.pid}`), WAIT).toBe(false);
});

it("--one-process: all of them are in nic's own", async () => {
  const nic = new NicProcess();
  onTestFinished(() => nic.close());
  await nic.start(["serve", "--control", "ctl", "--one-process", ...CARDS], "d: vfio-user");
  const cards = await top(nic);
  expect(cards.map(({ pid }) => pid)).toEqual([nic.pid, nic.pid, nic.pid, nic.pid]);
  await ask(nic.at("ctl"), { do: "link", card: "c", up: false });
  expect((await top(nic)).map(({ linkUp }) => linkUp)).toEqual([true, true, false, true]);
  expect(await isServed(await connectTo(nic.at("b.sock")))).toBe(true);
  expect(await nic.end()).toBe(0);
  expect(["a", "b", "c", "d"].filter((name) => existsSync(nic.at(`${name}.sock`)))).toEqual([]);
});
