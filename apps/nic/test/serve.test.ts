import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../src/control/client.ts";
import { NicProcess } from "./support/nic-process.ts";

describe("nic serve", () => {
  const nic = new NicProcess();
  const at = (name: string): string => nic.at(name);

  beforeAll(async () => {
    const first = ["--vfio-user", "a.sock", "--name", "a", "--mac", "52:54:00:00:00:01", "--pcap", "a.pcapng"];
    const cards = [...first, "--vhost-user", "b.sock", "--backend", "null"];
    await nic.start(["serve", "--control", "control", ...cards], "vhost-user at");
  });

  afterAll(() => nic.close());

  it("makes sockets that are its user's alone", () => {
    const modes = ["a.sock", "b.sock", "control"].map((name) => statSync(at(name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it("reports each card", async () => {
    const { cards } = await ask(at("control"), { do: "top" });
    expect(cards).toMatchObject([
      { name: "a", protocol: "vfio-user", mac: "52:54:00:00:00:01", connected: false, linkUp: true },
      { name: "nic1", protocol: "vhost-user", capture: null, transmit: { frames: 0, dropped: { linkDown: 0 } } },
    ]);
  });

  it("pulls a cable and plugs it in", async () => {
    const states: (boolean | undefined)[] = [];
    for (const up of [false, true]) {
      await ask(at("control"), { do: "link", card: "a", up });
      states.push((await ask(at("control"), { do: "top" })).cards?.[0]?.linkUp);
    }
    expect(states).toEqual([false, true]);
  });

  it("captures when told to, in a file that tcpdump reads", async () => {
    const file = at("b.pcapng");
    await ask(at("control"), { do: "capture-start", card: "nic1", file });
    const again = ask(at("control"), { do: "capture-start", card: "nic1", file });
    await expect(again).rejects.toThrow("a capture is running");
    await ask(at("control"), { do: "capture-stop", card: "nic1" });
    await expect(ask(at("control"), { do: "capture-stop", card: "nic1" })).rejects.toThrow("no capture is running");
    expect(execFileSync("tcpdump", ["-r", file], { stdio: "pipe" }).toString()).toBe("");
  });

  it("a capture whose file cannot be opened is refused, and the next one is not", async () => {
    const start = (file: string) => ask(at("control"), { do: "capture-start", card: "nic1", file });
    await expect(start(at("no/such/folder.pcapng"))).rejects.toThrow("ENOENT: no such file or directory");
    expect((await ask(at("control"), { do: "top" })).cards?.[1]?.capture).toBeNull();
    await start(at("later.pcapng"));
    await ask(at("control"), { do: "capture-stop", card: "nic1" });
    expect(readFileSync(at("later.pcapng")).length).toBeGreaterThan(0);
  });

  it("faults and limits change while it runs, but for where the random numbers started", async () => {
    const change = (faults: string) => ask(at("control"), { do: "fault", card: "a", faults });
    await change("drop=0.5,rx.bytes=1M/64k");
    await change("drop=0,bytes=off");
    await expect(change("seed=1")).rejects.toThrow("seed is for --fault alone");
    await expect(change("drop=2")).rejects.toThrow('"tx.drop" expected a number from 0 to 1, got 2');
    await expect(change("slow=1")).rejects.toThrow('"tx" expected one of drop,');
    await expect(change("")).rejects.toThrow('"faults" expected a list');
  });

  it("names what is wrong with a request", async () => {
    const refused = ask(at("control"), { do: "link", card: "z", up: true });
    await expect(refused).rejects.toThrow('"card" expected one of a, nic1');
  });

  it("ends at SIGTERM: VMMs are told, sockets are gone, the capture is whole", async () => {
    const vmm = connect(at("b.sock"));
    await once(vmm, "connect");
    const told = once(vmm.resume(), "close");
    const status = await nic.end("SIGTERM");
    await told;
    expect(status).toBe(0);
    expect(["a.sock", "b.sock", "control"].filter((name) => existsSync(at(name)))).toEqual([]);
    expect(execFileSync("tcpdump", ["-r", at("a.pcapng")], { stdio: "pipe" }).toString()).toBe("");
  });
});
