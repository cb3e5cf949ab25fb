import { describe, expect, it } from "vitest";
import { compare } from "../src/report/baseline.ts";
import { mergeReports } from "../src/report/merge.ts";
import { picture } from "../src/report/picture.ts";
import type { Report } from "../src/report/report.ts";
import { figureTable, targetOf } from "../src/report/table.ts";
import { type Figure, median, ratio } from "../src/section.ts";

const SLOW: Figure = {
  name: "transmit <64 B>",
  unit: "ns/frame",
  lessIsBetter: true,
  rounds: [20, 60, 30],
  against: { name: "C", rounds: [10, 20, 10] },
  target: 15,
};

function report(...figures: Figure[]): Report {
  return {
    command: "pnpm bench rings",
    date: "2026-01-02T03:04:05Z",
    commit: "0123456789ab",
    machine: { cpu: "a CPU", cores: 2, memoryGiB: 4, kernel: "linux 6", node: "v20" },
    sections: [{ name: "rings", about: "the card alone", figures }],
  };
}

describe("figures", () => {
  it("are summed up by their median", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it("are compared round by round: a slow spell meets both", () => {
    expect(ratio(SLOW)).toBe(3);
    expect(ratio({ ...SLOW, against: { name: "C", rounds: [] } })).toBeNull();
  });

  it("tell whether their target is reached, in their own unit or as a ratio", () => {
    expect(targetOf(SLOW)).toBe("≤ 15.0 ✗");
    expect(targetOf({ ...SLOW, targetRatio: 3 })).toBe("≤ 3.00× ✓");
    expect(targetOf({ ...SLOW, lessIsBetter: false })).toBe("≥ 15.0 ✓");
  });

  it("stand in a table with spread and ratio", () => {
    expect(figureTable([SLOW])).toMatch(/transmit <64 B> .* 30\.0 .* 20\.0 - 60\.0 .* 3\.00 .* C: 10\.0 /);
  });
});

describe("a comparison with the committed ratios", () => {
  it("names what got worse by more than noise makes it, in either direction", () => {
    const more: Figure = { ...SLOW, name: "rate", lessIsBetter: false };
    const committed = { rings: { "transmit <64 B>": 2, rate: 5 } };
    expect(compare(report(SLOW, more), committed)).toEqual({
      compared: 2,
      slower: [
        { section: "rings", name: "transmit <64 B>", was: 2, is: 3 },
        { section: "rings", name: "rate", was: 5, is: 3 },
      ],
    });
  });

  it("leaves small differences, and what only one side has, alone", () => {
    const alone: Figure = { ...SLOW, name: "new" };
    const { against: _, ...timeOnly } = SLOW;
    const committed = { rings: { "transmit <64 B>": 2.5, old: 1, time: 1 } };
    const found = compare(report(SLOW, alone, { ...timeOnly, name: "time" }), committed);
    expect(found).toEqual({ compared: 1, slower: [] });
  });
});

describe("a report of some sections", () => {
  const older = report(SLOW);
  const newer: Report = {
    ...report({ ...SLOW, name: "new" }),
    date: "2026-02-03T04:05:06Z",
    sections: [{ name: "hub", about: "two cards", figures: [] }],
  };

  it("takes over the others of an older one, with the run that made them", () => {
    const { command, date, commit, machine } = older;
    const merged = mergeReports(older, newer);
    expect(merged.date).toBe(newer.date);
    expect(merged.sections).toEqual([
      { ...older.sections[0], run: { command, date, commit, machine } },
      newer.sections[0],
    ]);
    expect(picture(merged)).toContain(`2026-01-02, commit 0123456789ab: ${older.command}`);
    // That run stays the one that made them.
    expect(mergeReports(merged, { ...newer, date: "2026-03-04T05:06:07Z" }).sections[0]?.run?.date).toBe(older.date);
  });

  it("replaces sections that ran again, in their place", () => {
    const again = mergeReports(mergeReports(older, newer), older);
    expect(again.sections.map(({ name, run }) => [name, run?.date])).toEqual([
      ["rings", undefined],
      ["hub", newer.date],
    ]);
    expect(mergeReports(null, newer)).toBe(newer);
  });
});

describe("the picture", () => {
  const svg = picture(report(SLOW, { ...SLOW, name: "half", rounds: [15] }));

  it("has a bar for each figure, to scale, and a mark where its peer is", () => {
    const widths = [...svg.matchAll(/class="bar"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toEqual([360, 180]);
    expect(svg.match(/class="peer"/g)).toHaveLength(2);
  });

  it("says where and how it was made, and is sound XML", () => {
    expect(svg).toContain("a CPU, 2 cores, linux 6, Node v20; 2026-01-02, commit 0123456789ab");
    expect(svg).toContain("pnpm bench rings");
    expect(svg).toContain("transmit &lt;64 B&gt;");
    expect(svg).not.toContain("<64 B>");
  });
});
