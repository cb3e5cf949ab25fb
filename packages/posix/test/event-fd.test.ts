import { expect, it } from "vitest";
import { ClosedError, EventFd } from "../src/index.ts";

it("counts signals until they are taken", () => {
  const bell = new EventFd();
  expect(bell.take()).toBe(0);
  for (let i = 0; i < 3; i++) bell.signal();
  expect(bell.take()).toBe(3);
  expect(bell.take()).toBe(0);
  bell.close();
});

it("a counter that is full stays so, and nobody waits", () => {
  const bell = new EventFd();
  // The highest that there can be is 2^64 - 2.
  bell.fd.write(new BigUint64Array([0xffff_ffff_ffff_fffen]));
  bell.signal();
  expect(bell.take()).toBe(2 ** 64);
  bell.close();
});

it("can be another's: what is signalled through one descriptor is taken through the other", () => {
  const bell = new EventFd();
  const same = new EventFd(bell.fd.duplicate());
  bell.signal();
  bell.close();
  expect(same.take()).toBe(1);
  same.close();
  expect(() => same.signal()).toThrow(ClosedError);
  expect(() => same.take()).toThrow(ClosedError);
});
