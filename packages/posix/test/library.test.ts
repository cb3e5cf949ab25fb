import { describe, expect, it } from "vitest";
import { addressOf, copyFromAddress, loadLibrary, readCString, UnsupportedPlatformError } from "../src/index.ts";

describe("loadLibrary", () => {
  it("takes the first of the names that there is", () => {
    const math = loadLibrary(["libnothing.so.9", "libm.so.6"], { hypot: ["double", ["double", "double"]] });
    expect(math.hypot(3, 4)).toBe(5);
  });

  it("says which names there were where none can be loaded", () => {
    const load = (): unknown => loadLibrary(["libnothing.so.9", "libnone.so"], { f: ["int", []] });
    expect(load).toThrow(UnsupportedPlatformError);
    expect(load).toThrow(/^none of libnothing\.so\.9, libnone\.so could be loaded: /);
  });

  it("does not take a library that lacks a function", () => {
    expect(() => loadLibrary(["libm.so.6"], { vmmkit_no_such_function: ["int", []] })).toThrow(
      UnsupportedPlatformError,
    );
  });
});

describe("what lies at an address", () => {
  it("text up to its zero, and nothing at 0", () => {
    const text = Buffer.from("vmm0\0rest");
    expect(readCString(addressOf(text))).toBe("vmm0");
    expect(readCString(0)).toBeNull();
  });

  it("is copied", () => {
    const source = Uint8Array.of(1, 2, 3);
    const copy = new Uint8Array(3);
    copyFromAddress(addressOf(source), copy);
    source.fill(0);
    expect([...copy]).toEqual([1, 2, 3]);
    copyFromAddress(0, new Uint8Array(0));
  });
});
