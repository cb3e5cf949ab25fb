import { readFileSync, statSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { ask } from "../../src/control/client.ts";
import { findIdentity } from "../../src/system/privileges.ts";
import { NicProcess } from "../support/nic-process.ts";

const isRoot = process.getuid?.() === 0;

describe("whom to run as", () => {
  it("by name or number, with the user's own group or another", () => {
    const nobody = findIdentity("nobody");
    expect(nobody).toMatchObject({ user: "nobody", uid: 65_534 });
    expect(findIdentity("65534")).toEqual({ ...nobody, user: "65534" });
    expect(findIdentity("nobody:root")).toMatchObject({ uid: 65_534, gid: 0 });
  });

  it.each([
    ["no-such-user", 'there is no user "no-such-user"'],
    ["nobody:no-such-group", 'there is no group "no-such-group"'],
    ["--help", 'there is no user "--help"'],
  ])("refuses %s", (text, message) => {
    expect(() => findIdentity(text)).toThrow(message);
  });
});

describe.skipIf(!isRoot)(`nic serve --user${isRoot ? "" : " (skipped: it takes root)"}`, () => {
  it("root is given up for good, and the sockets are the user's", async () => {
    const nic = new NicProcess();
    onTestFinished(() => nic.close());
    const card = ["--vfio-user", "a.sock", "--pcap", "a.pcapng"];
    await nic.start(["serve", "--user", "nobody", "--control", "ctl", ...card], "vfio-user at");
    const { uid, gid } = findIdentity("nobody");
    const dataPath = (await ask(nic.at("ctl"), { do: "top" })).cards?.[0]?.pid;
    expect(dataPath).not.toBe(nic.pid);
    for (const pid of [nic.pid, dataPath]) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const four = (id: number): string => Array(4).fill(id).join("\t");
      expect(status).toContain(`\nUid:\t${four(uid)}\n`);
      expect(status).toContain(`\nGid:\t${four(gid)}\n`);
      expect(status).toMatch(new RegExp(`\nGroups:\t${gid} ?\n`));
      expect(status).toMatch(/\nCapEff:\t0+\n/);
    }
    for (const name of ["a.sock", "ctl"]) {
      expect(statSync(nic.at(name))).toMatchObject({ uid, gid });
      expect(statSync(nic.at(name)).mode & 0o777).toBe(0o600);
    }
    expect((await ask(nic.at("ctl"), { do: "top" })).cards?.[0]?.capture).toBe("a.pcapng");
    // What root alone may write, it may not.
    const file = nic.at("new.pcapng");
    await expect(ask(nic.at("ctl"), { do: "capture-stop", card: "nic0" })).resolves.toMatchObject({ ok: true });
    await expect(ask(nic.at("ctl"), { do: "capture-start", card: "nic0", file })).rejects.toThrow("EACCES");
  });
});
