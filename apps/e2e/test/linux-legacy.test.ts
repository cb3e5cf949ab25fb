import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busTests } from "./linux/bus.ts";
import { driverTests } from "./linux/driver.ts";
import { linkTests } from "./linux/link.ts";
import { probeTests } from "./linux/probe.ts";
import { resetTests } from "./linux/reset.ts";
import { trafficTests } from "./linux/traffic.ts";
import { variantTests } from "./linux/variants.ts";
import { wideTests } from "./linux/wide.ts";
import { bootLab, closeLab, type Lab } from "./support/lab.ts";

// Booting is what costs time, so all tests share three guests. Each leaves them as it found them.
describe("Linux, virtio_pci in legacy mode", () => {
  let current: Lab | null = null;
  const lab = (): Lab => {
    if (current === null) throw new Error("the guests did not boot");
    return current;
  };

  beforeAll(async () => {
    current = await bootLab();
  });

  afterAll(async () => {
    if (current !== null) await closeLab(current);
  });

  describe("probe", () => probeTests(lab));
  describe("traffic", () => trafficTests(lab));
  describe("MTU 65535", () => wideTests(lab));
  describe("link and address", () => linkTests(lab));
  describe("driver comes and goes", () => driverTests(lab));
  describe("PCI bus", () => busTests(lab));
  describe("what is offered", () => variantTests(lab));
  describe("reset", () => resetTests(lab));

  it("no card complained of its guest", () => {
    const { alice, bob, carol } = lab();
    expect([alice, bob, carol].flatMap(({ complaints }) => complaints)).toEqual([]);
  });
});
