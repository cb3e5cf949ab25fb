import { expect, test } from "vitest";
import { BootWatch } from "../src/boot-watch.ts";

test("phases follow the console, and ready is certain", () => {
  const watch = new BootWatch(true, 0);
  expect(watch.progress(0)).toEqual({ phase: "firmware", fraction: 0 });
  watch.console("[    0.000000] Linux version 6.1\n");
  expect(watch.progress(0).phase).toBe("kernel");
  watch.console("Run /init as init process\n");
  expect(watch.progress(0).phase).toBe("userspace");
  watch.ready();
  expect(watch.progress(0)).toEqual({ phase: "ready", fraction: 1 });
});

test("the fraction grows with instructions, never falls, and stays below 1 until ready", () => {
  const watch = new BootWatch(true, 0);
  const half = watch.progress(100e6).fraction;
  expect(half).toBeGreaterThan(0.3);
  expect(watch.progress(50e6).fraction).toBe(half);
  expect(watch.progress(4e9).fraction).toBe(0.99);
});

test("the processor's counter may wrap round", () => {
  const watch = new BootWatch(true, 2 ** 32 - 50e6);
  expect(watch.progress(50e6).fraction).toBeCloseTo(new BootWatch(true, 0).progress(100e6).fraction, 6);
});

test("a kernel that unpacks itself is expected to run longer", () => {
  expect(new BootWatch(false, 0).progress(100e6).fraction).toBeLessThan(0.1);
});

test("a boot that runs far too long is late", () => {
  const watch = new BootWatch(true, 0);
  expect(watch.isLate(200e6)).toBe(false);
  expect(watch.isLate(900e6)).toBe(true);
});
