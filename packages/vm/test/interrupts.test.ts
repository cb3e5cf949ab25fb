import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InterruptController, SharedInterruptLines } from "../src/index.ts";

function recorder() {
  const log: [number, boolean][] = [];
  const target: InterruptController = { setLine: (line, level) => log.push([line, level]) };
  return { log, lines: new SharedInterruptLines(target) };
}

describe("shared interrupt lines", () => {
  it("are high as long as one device drives them high", () => {
    const { log, lines } = recorder();
    const [a, b] = [lines.source(), lines.source()];
    a.setLine(11, true);
    b.setLine(11, true);
    a.setLine(11, false);
    expect(log).toEqual([[11, true]]);
    b.setLine(11, false);
    expect(log).toEqual([
      [11, true],
      [11, false],
    ]);
  });

  it("count a device once, however often it says the same", () => {
    const { log, lines } = recorder();
    const [a, b] = [lines.source(), lines.source()];
    a.setLine(5, false);
    a.setLine(5, true);
    a.setLine(5, true);
    b.setLine(5, true);
    b.setLine(5, false);
    b.setLine(5, false);
    expect(log).toEqual([[5, true]]);
    a.setLine(5, false);
    expect(log.at(-1)).toEqual([5, false]);
  });

  it("do not mix with each other, not those of one device either", () => {
    const { log, lines } = recorder();
    const a = lines.source();
    a.setLine(10, true);
    a.setLine(11, true);
    a.setLine(10, false);
    expect(log).toEqual([
      [10, true],
      [11, true],
      [10, false],
    ]);
  });

  it("tell the target changes only, and end where any device's wish ends", () => {
    const step = fc.tuple(fc.nat(2), fc.nat(1), fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { log, lines } = recorder();
        const sources = [lines.source(), lines.source(), lines.source()];
        const wishes = new Map<string, boolean>();
        for (const [device, line, level] of steps) {
          sources[device]?.setLine(line, level);
          wishes.set(`${device}/${line}`, level);
        }
        for (const line of [0, 1]) {
          const told = log.filter(([at]) => at === line).map(([, level]) => level);
          expect(told.every((level, i) => level === (i % 2 === 0))).toBe(true);
          expect(told.at(-1) ?? false).toBe([0, 1, 2].some((device) => wishes.get(`${device}/${line}`) === true));
        }
      }),
    );
  });
});

describe("messages", () => {
  it("pass through to the target, with the target as this", () => {
    const seen: unknown[] = [];
    class Target implements InterruptController {
      readonly seen = seen;
      setLine(): void {}
      signalMessage(addressLow: number, addressHigh: number, data: number): void {
        this.seen.push([addressLow, addressHigh, data]);
      }
    }
    new SharedInterruptLines(new Target()).source().signalMessage?.(0xfee0_0000, 1, 0x41);
    expect(seen).toEqual([[0xfee0_0000, 1, 0x41]]);
  });

  it("are absent where the target has none, so that devices offer none", () => {
    expect(recorder().lines.source()).not.toHaveProperty("signalMessage");
  });
});
