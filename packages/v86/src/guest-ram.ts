import { GuestMemory, type RegionInit } from "@vmmkit/vm";
import type { V86Cpu } from "./internals.ts";
import type { JitPages } from "./jit-pages.ts";

/** Where a PC's video memory and its ROM shadow adjoin: between them guest addresses are not RAM. */
const VGA_START = 0xa_0000;
const VGA_END = 0xc_0000;

/**
 * Guest RAM as it lies in v86's WebAssembly memory. The memory grows while the guest runs, and each growth detaches
 * all views; the address of RAM within it stays, so a region finds its bytes again by itself.
 */
export function guestRam(cpu: V86Cpu, jit: JitPages): GuestMemory {
  const start = cpu.mem8.byteOffset;
  const region = (gpa: number, end: number): RegionInit => {
    const renew = () => ({ buffer: cpu.wasm_memory.buffer, byteOffset: start + gpa });
    return { gpa, size: end - gpa, renew, ...renew() };
  };
  const memory = new GuestMemory([region(0, VGA_START), region(VGA_END, cpu.mem8.length)]);
  memory.writeObserver = (gpa, lengthBytes) => jit.note(gpa, lengthBytes);
  return memory;
}
