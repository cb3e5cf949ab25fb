import { describe, expect, it } from "vitest";
import { checkInterfaceName, InterfaceRequest, REQUEST_DATA } from "../src/ifreq.ts";

describe("struct ifreq", () => {
  it("is 40 bytes: a name that ends with a zero, and what is asked or told behind it", () => {
    const request = new InterfaceRequest("tap7");
    request.view.setInt32(REQUEST_DATA, 1500, true);
    expect(request.bytes).toHaveLength(40);
    expect([...request.bytes.subarray(0, 5)]).toEqual([...new TextEncoder().encode("tap7\0")]);
    expect([...request.bytes.subarray(16, 20)]).toEqual([0xdc, 5, 0, 0]);
    expect(request.name).toBe("tap7");
  });

  it("always ends its name, and reads one that does not end", () => {
    const request = new InterfaceRequest("a-name-that-is-too-long");
    expect(request.name).toBe("a-name-that-is-");
    request.bytes.fill(0x61);
    expect(request.name).toBe("a".repeat(16));
  });
});

describe("names", () => {
  it("that the kernel takes", () => {
    for (const name of ["tap0", "vmm%d", "x", "fifteen-letters", "tap.5", "ä"]) {
      expect(checkInterfaceName("name", name)).toBe(name);
    }
  });

  it("that no interface can have are refused with the argument's name", () => {
    for (const name of ["", "sixteen-letters!", "a/b", "a b", "a:b", ".", "..", "a\0b", "ääääääää"]) {
      expect(() => checkInterfaceName("bridge", name)).toThrow(/^"bridge" expected 1 to 15 bytes/);
    }
  });
});
