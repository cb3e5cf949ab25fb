import type { CardState } from "@vmmkit/linux-guest";
import { expect, test } from "vitest";
import { describeCard, featureTable } from "../src/features.ts";

/** MAC, CTRL_VQ, and beyond bit 31 VERSION_1, RING_PACKED, NOTF_COAL. */
const OFFERED = [0x0002_0020, 0x0020_0005];
const CARD = { running: true, linkUp: true, mac: new Uint8Array(6), iobase: 0, log: [], offered: OFFERED } as const;

function card(part: Pick<CardState, "taken" | "queueSizes">): CardState {
  return { ...CARD, ...part };
}

test("a driver that took all but one feature", () => {
  const found = describeCard("one", card({ taken: [0x0002_0020, 5], queueSizes: [256, 256, 64] }), true);
  expect(found).toEqual({
    guest: "one",
    transport: "modern",
    ring: "packed",
    interrupts: "MSI-X",
    queueSizes: [256, 256, 64],
    features: [
      { bit: 5, name: "MAC", taken: true },
      { bit: 17, name: "CTRL_VQ", taken: true },
      { bit: 32, name: "VERSION_1", taken: true },
      { bit: 34, name: "RING_PACKED", taken: true },
      { bit: 53, name: "NOTF_COAL", taken: false },
    ],
  });
});

test("one table for guests with different cards: what one offers and the other does not is a dash there", () => {
  const one = describeCard("one", card({ taken: [0x20, 1], queueSizes: [256, 256] }), false);
  const legacy = { ...card({ taken: [0x20, 0], queueSizes: [128, 64] }), offered: [0x20, 0] };
  const rows = featureTable([one, describeCard("two", legacy, false)])
    .split("\n")
    .filter((line) => line.startsWith("│"))
    .map((line) =>
      line
        .split("│")
        .slice(1, -1)
        .map((text) => text.trim()),
    );
  expect(rows).toEqual([
    ["bit", "feature", "one", "two"],
    ["", "transport", "modern", "legacy"],
    ["", "virtqueues", "split", "split"],
    ["", "queue sizes", "256 256", "128 64"],
    ["", "interrupts", "INTx", "INTx"],
    ["5", "MAC", "taken", "taken"],
    ["17", "CTRL_VQ", "offered", "-"],
    ["32", "VERSION_1", "taken", "-"],
    ["34", "RING_PACKED", "offered", "-"],
    ["53", "NOTF_COAL", "offered", "-"],
  ]);
});
