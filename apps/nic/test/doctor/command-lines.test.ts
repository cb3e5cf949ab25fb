import { describe, expect, it } from "vitest";
import { commandLines } from "../../src/doctor/command-lines.ts";

const old = { name: "qemu-system-x86_64", program: "/usr/bin/q", version: [7, 2], vfioUser: false } as const;
const none = { kvm: false, hugePages: false };

describe("the command lines that fit", () => {
  it("without KVM an old QEMU gets no vectors; with it, it does, and the processor runs the guest", () => {
    expect(commandLines(old, none).qemu).toContain("vectors=0");
    const { qemu } = commandLines(old, { ...none, kvm: true });
    expect(qemu).not.toContain("vectors=0");
    expect(qemu).toContain("-accel kvm");
  });

  it("guest memory is in huge pages where there are enough", () => {
    expect(commandLines(old, none).qemu).not.toContain("hugetlb");
    expect(commandLines(old, { ...none, hugePages: true }).qemu).toContain("share=on,hugetlb=on");
  });

  it("on arm64 the machine is virt", () => {
    expect(commandLines({ ...old, name: "qemu-system-aarch64" }, none).qemu).toContain("-machine virt,");
  });
});
