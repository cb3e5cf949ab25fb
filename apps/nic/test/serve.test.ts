import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../src/control/client.ts";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

describe("nic serve", () => {
  let folder: string;
  let process_: ChildProcess;
  let at: (name: string) => string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vmmkit-nic-"));
    at = (name) => join(folder, name);
    const first = ["--vfio-user", at("a.sock"), "--name", "a", "--mac", "52:54:00:00:00:01", "--pcap", at("a.pcapng")];
    const cards = [...first, "--vhost-user", at("b.sock"), "--backend", "null"];
    process_ = spawn(process.execPath, ["--import", "tsx", CLI, "serve", "--control", at("control"), ...cards], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (process_.stdout === null) throw new Error("no standard output");
    await Promise.race([
      once(process_.stdout, "data"),
      once(process_, "exit").then(() => Promise.reject(new Error("nic ended"))),
    ]);
  });

  afterAll(async () => {
    if (process_.exitCode === null && process_.signalCode === null) {
      process_.kill("SIGKILL");
      await once(process_, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  });

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

  it("names what is wrong with a request", async () => {
    const refused = ask(at("control"), { do: "link", card: "z", up: true });
    await expect(refused).rejects.toThrow('"card" expected one of a, nic1');
  });

  it("ends at SIGTERM: VMMs are told, sockets are gone, the capture is whole", async () => {
    const vmm = connect(at("b.sock"));
    await once(vmm, "connect");
    const told = once(vmm.resume(), "close");
    process_.kill("SIGTERM");
    const [status] = await once(process_, "exit");
    await told;
    expect(status).toBe(0);
    expect(["a.sock", "b.sock", "control"].filter((name) => existsSync(at(name)))).toEqual([]);
    expect(execFileSync("tcpdump", ["-r", at("a.pcapng")], { stdio: "pipe" }).toString()).toBe("");
  });
});
