import { describe, expect, it } from "vitest";
import { joinRestorations, type Restoration, restore, type Saveable } from "../src/index.ts";

function part(name: string, log: string[]): Restoration {
  return { apply: () => log.push(`${name} applied`), resume: () => log.push(`${name} resumes`) };
}

describe("restoring", () => {
  it("puts all parts in place before the first goes on", () => {
    const log: string[] = [];
    const saveable: Saveable = {
      save: () => 7,
      prepare: (state) => joinRestorations([part(`one ${state}`, log), part("two", log)]),
    };
    restore(saveable, saveable.save());
    expect(log).toEqual(["one 7 applied", "two applied", "one 7 resumes", "two resumes"]);
  });

  it("does nothing where a state is refused", () => {
    const log: string[] = [];
    const refuse = (): never => {
      throw new RangeError("no");
    };
    const saveable: Saveable = {
      save: () => null,
      prepare: () => joinRestorations([part("one", log), refuse()]),
    };
    expect(() => restore(saveable, null)).toThrow("no");
    expect(log).toEqual([]);
  });
});
