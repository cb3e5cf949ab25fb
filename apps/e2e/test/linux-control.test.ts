import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeTests } from "./control/describe.ts";
import { filterTests } from "./control/filters.ts";
import { offloadTests } from "./control/offloads.ts";
import { queueTests } from "./control/queues.ts";
import { settingTests } from "./control/settings.ts";
import { bootControlLab, type ControlLab, closeControlLab } from "./support/control-lab.ts";

// All that a Linux driver can ask of a card while it runs, by ethtool and ip, through both interfaces.
describe("Linux and the control queue", () => {
  let current: ControlLab | null = null;
  const lab = (): ControlLab => {
    if (current === null) throw new Error("the guests did not boot");
    return current;
  };

  beforeAll(async () => {
    current = await bootControlLab();
  });

  afterAll(async () => {
    if (current !== null) await closeControlLab(current);
  });

  describe("what ethtool says", () => describeTests(lab));
  describe.each(["alice", "bob"] as const)("filters, card of %s", (name) => filterTests(lab, name));
  describe("address, MTU, carrier, coalescing", () => settingTests(lab));
  describe("queue pairs", () => queueTests(lab));
  describe("offloads, one by one", () => offloadTests(lab));

  it("no card complained of its guest, or refused it a command", () => {
    const { alice, bob } = lab();
    expect([...alice.complaints, ...bob.complaints]).toEqual([]);
    for (const guest of [alice, bob])
      expect(guest.card(0).counters.control).toMatchObject({ refused: 0, malformed: 0 });
  });
});
