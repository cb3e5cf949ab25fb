import { type StdioOptions, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { openSocket, SocketDomain, SocketType } from "@vmmkit/posix";
import { describe, expect, it, onTestFinished } from "vitest";
import { ask } from "../../src/control/client.ts";
import { Activation, isFilePath } from "../../src/system/activation.ts";
import { because, NicProcess } from "../support/nic-process.ts";

const ARGS = ["serve", "--vhost-user", "systemd:card", "--control", "nic.ctl"];

function start(): NicProcess {
  const nic = new NicProcess();
  onTestFinished(() => nic.close());
  return nic;
}

/** Whether `nic` has taken a connection. */
async function connectTo(nic: NicProcess, socket: string): Promise<boolean | undefined> {
  const vmm = connect(nic.at(socket));
  await once(vmm, "connect");
  try {
    for (let i = 0; i < 100; i++) {
      const { cards } = await ask(nic.at("nic.ctl"), { do: "top" });
      if (cards?.[0]?.connected === true) return true;
    }
    return false;
  } finally {
    vmm.destroy();
  }
}

describe("sockets that somebody else opened", () => {
  it("of another process, or of none: the environment is cleared, and a name is refused", () => {
    const env = { LISTEN_PID: "1", LISTEN_FDS: "1", LISTEN_FDNAMES: "card", OTHER: "x" };
    const activation = Activation.take(env, 2);
    expect(env).toEqual({ OTHER: "x" });
    expect(activation.resolve("/run/a.sock")).toBe("/run/a.sock");
    expect(() => activation.resolve("systemd:card")).toThrow('no socket from systemd is called "card"; there is none');
    expect([isFilePath("/run/a"), isFilePath("systemd:a")]).toEqual([true, false]);
  });

  it("handed over by descriptor and name: VMMs find the card there, and its file stays when nic ends", async () => {
    const nic = start();
    const listener = openSocket(SocketDomain.Unix, SocketType.Stream);
    onTestFinished(() => listener.close());
    listener.bind({ family: "unix", path: nic.at("card.sock") });
    listener.listen();
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", listener.fd.number];
    const by = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=card exec "$@"', "sh"];
    await nic.start(ARGS, "vhost-user at systemd:card", { stdio, by });
    expect(await connectTo(nic, "card.sock")).toBe(true);
    expect(await nic.end()).toBe(0);
    expect([existsSync(nic.at("card.sock")), existsSync(nic.at("nic.ctl"))]).toEqual([true, false]);
  });

  const activate = spawnSync("systemd-socket-activate", ["--version"]).status === 0;
  it.skipIf(!activate)(`systemd-socket-activate starts it${because("systemd", activate)}`, async () => {
    const nic = start();
    const by = ["systemd-socket-activate", `--listen=${nic.at("card.sock")}`, "--fdname=card"];
    await nic.start(ARGS, "Listening on", { by });
    const vmm = connect(nic.at("card.sock"));
    await once(vmm, "connect");
    await expect.poll(() => nic.said, { timeout: 20_000 }).toContain("nic0: vhost-user at systemd:card");
    await expect.poll(async () => (await ask(nic.at("nic.ctl"), { do: "top" })).cards?.[0]?.connected).toBe(true);
    vmm.destroy();
    expect(await nic.end()).toBe(0);
  });
});
