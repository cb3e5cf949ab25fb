import { readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { enterNetwork, interfaceIndex, openFile, PosixError, unshareNetwork } from "../src/index.ts";

const network = (): string => readlinkSync("/proc/thread-self/ns/net");

describe("a network namespace of one's own", () => {
  it("is entered by this thread, empty but for the loopback interface, and left again", (context) => {
    const home = openFile("/proc/thread-self/ns/net");
    const before = network();
    try {
      unshareNetwork();
    } catch (error) {
      home.close();
      expect(error).toMatchObject({ code: "EPERM", message: expect.stringContaining("it takes CAP_SYS_ADMIN") });
      return context.skip("it takes CAP_SYS_ADMIN");
    }
    try {
      expect(network()).not.toBe(before);
      expect(interfaceIndex("lo")).toBe(1);
      expect(interfaceIndex("eth0")).toBe(0);
    } finally {
      enterNetwork(home);
      home.close();
    }
    expect(network()).toBe(before);
  });

  it("cannot be entered through a descriptor of something else", () => {
    const fd = openFile("/dev/null");
    expect(() => enterNetwork(fd)).toThrow(PosixError);
    fd.close();
  });
});
