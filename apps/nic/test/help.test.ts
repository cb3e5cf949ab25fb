import { describe, expect, it } from "vitest";
import { runMain } from "./support/run-main.ts";

describe("--help", () => {
  it.each([
    [[], ["Commands:", "Examples:", "Exit status:", "See also:"]],
    [
      ["serve"],
      ["The process:", "About the card before it:", "Examples:", "Signals:", "Files:", "Exit status:", "systemd:NAME"],
    ],
    [["top"], ["Columns:"]],
    [["fault"], ["The list:", "Examples:"]],
    [["capture"], ["start [options] <card> <file>", "Example:"]],
    [["completion"], ["To load it:", "zsh"]],
  ])("nic %j has its sections", async (command, sections) => {
    const { stdout, status } = await runMain(...command, "--help");
    expect(status).toBe(0);
    for (const section of sections) expect(stdout).toContain(section);
  });
});

describe("the status that it ends with", () => {
  it.each([
    [["nonsense"]],
    [["serve", "--nonsense"]],
    [["serve", "--name", "a"]],
    [["link", "sideways", "a", "--control", "x"]],
    [["top"]],
  ])("2 where the command line makes no sense: %j", async (args) => {
    const { status, stderr } = await runMain(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain("--help");
  });

  it.each([
    [["serve"], "nic: cards: expected a list of at least one card, got []"],
    [["top", "--control", "/no/such"], "nic: connect ENOENT /no/such"],
    [["serve", "--config", "/no/such"], "nic: ENOENT: no such file or directory, open '/no/such'"],
    [["serve", "--vfio-user", "/no/such/a.sock"], "nic: ENOENT"],
    [["serve", "--user", "no-such-user", "--vfio-user", "/no/a"], 'nic: there is no user "no-such-user"'],
    [["serve", "--vfio-user", "systemd:card"], 'nic: no socket from systemd is called "card"; there is none'],
  ])("1 where it cannot be done, and why: %j", async (args, message) => {
    const { status, stderr } = await runMain(...args);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  });
});
