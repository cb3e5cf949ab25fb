import { expect, it } from "vitest";
import { needEvent } from "../src/index.ts";

/** What 2.7.10.1 means, step by step: is `event` one of the entries from `oldIndex` up to `newIndex` - 1? */
function passed(event: number, newIndex: number, oldIndex: number): boolean {
  for (let i = oldIndex; i !== newIndex; i = (i + 1) % 65536) if (i === event) return true;
  return false;
}

it("is true exactly where the entry is among the new ones, also where the index wraps", () => {
  const near = [-3, -2, -1, 0, 1, 2, 3, 100, 32767, 32768, 32769];
  for (const base of [0, 5, 32767, 32768, 65534, 65535]) {
    for (const added of [0, 1, 2, 3, 64, 32768]) {
      for (const distance of near) {
        const event = (base + distance + 65536) % 65536;
        const newIndex = (base + added) % 65536;
        expect(needEvent(event, newIndex, base), `${event} in ${base}..${newIndex}`).toBe(
          passed(event, newIndex, base),
        );
      }
    }
  }
});
