import { expect, it } from "vitest";
import { formatTop } from "../src/commands/top-table.ts";
import type { CardReport, Direction } from "../src/data-path/card-report.ts";

function direction(frames: number, changes: Partial<Direction> = {}): Direction {
  const faults = { ...NO_FAULTS, dropped: { ...NO_FAULTS.dropped, overflow: 2 } };
  const counts = { frames, bytes: 1000 * frames, notifications: 0, interrupts: 2 * frames, stopped: 0 };
  return { ...counts, dropped: { tooLong: 0, linkDown: 7 }, refused: {}, rings: [], faults, ...changes };
}

const NO_FAULTS = {
  ...{ frames: 0, bytes: 0, passed: 0, duplicated: 0, corrupted: 0, reordered: 0, delayed: 0, limited: 0, waiting: 0 },
  dropped: { fault: 0, overflow: 0, linkDown: 0, refused: 0, noMemory: 0, reset: 0, closed: 0 },
};

function card(transmit: Direction): CardReport {
  const what = {
    name: "a",
    socket: "/a",
    protocol: "vfio-user",
    mac: "",
    connected: false,
    linkUp: true,
    pid: 1,
    restarts: 0,
  } as const;
  return { ...what, capture: null, transmit, receive: direction(0) };
}

it("rates of the time between, the fill of all rings, and drops by cause", () => {
  const rings = [1, 3].map((queue) => ({ queue, size: 256, filled: queue, frames: 0 }));
  const processes = (userSeconds: number, pid = 1) => [{ cards: ["a", "b"], pid, userSeconds, systemSeconds: 0.5 }];
  const before = { timeMs: 1000, cards: [card(direction(100))], processes: processes(1) };
  const after = { timeMs: 3000, cards: [card(direction(4100, { rings }))], processes: processes(1.5) };
  const [, , , tx, , rx] = formatTop(before, after).split("\n");
  expect(tx?.split("│").map((cell) => cell.trim())).toEqual([
    ...["", "a", "up, no VMM", "tx", "2000", "2.00", "4000", "4/512", "25 %", "linkDown 7, overflow 2", ""],
  ]);
  expect(rx).toContain("rx");
  expect(formatTop(before, { ...after, processes: processes(1.5, 2) })).not.toContain("%");
});

it("an uplink has rates too, and none where its process is another one now", () => {
  const counts = (frames: number, failed = 0) => ({ frames, bytes: 1000 * frames, failed });
  const sample = (timeMs: number, out: number, into: number) => ({
    timeMs,
    cards: [],
    uplinks: [{ uplink: "tap:vmm0", out: counts(out, 3), in: counts(into) }],
  });
  const lines = formatTop(sample(0, 100, 50), sample(1000, 1100, 0)).split("\n");
  const cells = lines.map((line) => line.split("│").map((cell) => cell.trim()));
  expect(cells[3]).toEqual(["", "tap:vmm0", "", "out", "1000", "1.00", "", "", "", "failed 3", ""]);
  expect(cells[5]).toEqual(["", "", "", "in", "0", "0.00", "", "", "", "", ""]);
});
