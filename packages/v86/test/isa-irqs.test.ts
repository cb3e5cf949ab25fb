import { describe, expect, it } from "vitest";
import type { V86Cpu } from "../src/internals.ts";
import { IsaIrqs } from "../src/isa-irqs.ts";

/** The two functions of v86's processor, and what they were called with. */
function recorder(): { cpu: V86Cpu; calls: string[] } {
  const calls: string[] = [];
  const cpu = {
    device_raise_irq: (irq: number) => calls.push(`raise ${irq}`),
    device_lower_irq: (irq: number) => calls.push(`lower ${irq}`),
    flags: { byteOffset: 0 },
    wasm_memory: { buffer: new ArrayBuffer(4) },
  };
  return { cpu: cpu as unknown as V86Cpu, calls };
}

describe("IsaIrqs", () => {
  it("hands on what v86's devices do with lines that are theirs alone", () => {
    const { cpu, calls } = recorder();
    new IsaIrqs(cpu, () => false);
    cpu.device_raise_irq(0);
    cpu.device_lower_irq(0);
    // A PIRQ that the guest has not routed: v86 sends the register's value as it is.
    cpu.device_raise_irq(0x80);
    cpu.device_lower_irq(0x80);
    expect(calls).toEqual(["raise 0", "lower 0", "raise 128", "lower 128"]);
  });

  it("keeps a line high until the last of ours and v86's lets go", () => {
    const { cpu, calls } = recorder();
    const irqs = new IsaIrqs(cpu, () => false);
    irqs.assert(9);
    irqs.assert(9);
    cpu.device_raise_irq(9);
    irqs.release(9);
    cpu.device_lower_irq(9);
    expect(calls).toEqual(["raise 9", "raise 9", "raise 9"]);
    irqs.release(9);
    expect(calls.at(-1)).toBe("lower 9");
  });

  it("in the middle of an access to memory no handler is entered: the processor looks by itself later", () => {
    const IF = 0x200;
    const memory = { buffer: new ArrayBuffer(16) };
    const flags = new Int32Array(memory.buffer, 8, 1).fill(0x46 | IF);
    const entered: boolean[] = [];
    const change = (): void => {
      entered.push(((flags[0] ?? 0) & IF) !== 0);
      // What an instruction of the guest could not: only that flag is put back.
      flags[0] = (flags[0] ?? 0) | 1;
    };
    const cpu = { device_raise_irq: change, device_lower_irq: change, flags, wasm_memory: memory } as unknown as V86Cpu;
    let midAccess = true;
    const irqs = new IsaIrqs(cpu, () => midAccess);
    irqs.assert(10);
    cpu.device_lower_irq(5);
    irqs.release(10);
    expect([entered, ...flags]).toEqual([[false, false, false], 0x47 | IF]);
    flags[0] = 0x46;
    irqs.assert(10);
    expect([...flags]).toEqual([0x47]);
    flags[0] = 0x46 | IF;
    midAccess = false;
    irqs.release(10);
    expect(entered.at(-1)).toBe(true);
  });

  it("raises again only what ours hold", () => {
    const { cpu, calls } = recorder();
    const irqs = new IsaIrqs(cpu, () => false);
    cpu.device_raise_irq(4);
    irqs.assert(10);
    calls.length = 0;
    irqs.refresh();
    expect(calls).toEqual(["raise 10"]);
  });

  it("lets go of lines when it is detached, and is silent from then on", () => {
    const { cpu, calls } = recorder();
    const { device_raise_irq: raise } = cpu;
    const irqs = new IsaIrqs(cpu, () => false);
    irqs.assert(10);
    irqs.detach();
    expect(calls).toEqual(["raise 10", "lower 10"]);
    expect(cpu.device_raise_irq).toBe(raise);
    irqs.assert(11);
    irqs.release(11);
    expect(calls).toHaveLength(2);
  });
});
