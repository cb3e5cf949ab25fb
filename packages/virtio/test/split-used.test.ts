import { MemoryRegion } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { SplitUsed } from "../src/queue/split-used.ts";

const SIZE = 4;
/** Bytes from the region's start. */
const AT = 64;

function ring(): { used: SplitUsed; region: MemoryRegion; elements: () => number[] } {
  const region = new MemoryRegion({ gpa: 0x1000, size: 256, buffer: new ArrayBuffer(256) });
  const used = new SplitUsed(SIZE);
  used.bind(region, AT);
  const elements = (): number[] => [...region.u32.subarray(AT / 4 + 1, AT / 4 + 1 + 2 * SIZE)];
  return { used, region, elements };
}

describe("2.7.8 the used ring", () => {
  it("has elements one behind the other, round its end, and its index passes 65535", () => {
    const { used, elements, region } = ring();
    used.goTo(0xfffe);
    for (let i = 1; i <= 3; i++) used.write(i, 10 * i);
    expect(elements()).toEqual([3, 30, 0, 0, 1, 10, 2, 20]);
    expect(used.idx).toBe(1);
    expect(region.u16[AT / 2 + 1]).toBe(0);
    used.publish();
    expect(region.u16[AT / 2 + 1]).toBe(1);
    expect([used.published, used.unsignalled]).toEqual([1, 3]);
  });

  it("gets many elements at once as one by one, and says that they are not out any more", () => {
    const [one, many] = [ring(), ring()];
    const taken = Float64Array.of(1, 2, 3, 4);
    for (const { used } of [one, many]) used.goTo(3);
    one.used.write(2, 20);
    one.used.write(0, 5);
    many.used.writeRun(Int32Array.of(2, 20, 0, 5, 3, 9), 2, taken);
    expect(many.elements()).toEqual(one.elements());
    expect(many.used.idx).toBe(one.used.idx);
    expect([...taken]).toEqual([0, 2, 0, 4]);
  });

  it("2.7.10 has the wish for notifications in its flags, or behind its elements", () => {
    const { used, region } = ring();
    used.writeNoNotify();
    expect(region.u16[AT / 2]).toBe(1);
    used.writeNotify();
    expect(region.u16[AT / 2]).toBe(0);
    used.writeAvailEvent(0x1_2345);
    expect(region.u16[AT / 2 + 2 + 4 * SIZE]).toBe(0x2345);
  });

  it("writes nothing once it is nowhere, and starts anew where it is told", () => {
    const { used, region } = ring();
    used.unbind();
    used.write(1, 1);
    used.goTo(7);
    expect([used.idx, used.published, used.unsignalled]).toEqual([7, 7, 0]);
    expect(region.bytes.every((byte) => byte === 0)).toBe(true);
  });
});
