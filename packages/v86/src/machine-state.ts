import type { PciSpaceState } from "@vmmkit/pci";
import { stateInteger, stateIntegers, stateRecord } from "@vmmkit/vm";
import { ISA_IRQS } from "./isa-irqs.ts";

/** The version of `V86MachineState` that this package writes, and the only one that it reads. */
const VERSION = 1;

/** What vmmkit has of a machine, as plain data that `JSON` can carry. v86's `save_state` has the rest. */
export interface V86MachineState {
  readonly version: number;
  /** Bytes of guest RAM: v86 restores what does not fit, and is broken then. */
  readonly memoryBytes: number;
  readonly pci: PciSpaceState;
  readonly irqs: IsaIrqsState;
}

/** By ISA interrupt: 1 where somebody drives the line. */
export interface IsaIrqsState {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

export function machineState(memoryBytes: number, pci: PciSpaceState, irqs: IsaIrqsState): V86MachineState {
  return { version: VERSION, memoryBytes, pci, irqs };
}

/**
 * Checks what is not PCI's of a state from outside.
 * @throws TypeError, RangeError naming the field
 */
export function checkMachineState(state: unknown, memoryBytes: number): { pci: unknown; irqs: IsaIrqsState } {
  const { version, memoryBytes: saved, pci, irqs } = stateRecord("state", state);
  stateInteger("version", version, VERSION, VERSION);
  stateInteger("memoryBytes", saved, memoryBytes, memoryBytes);
  const { ours, theirs } = stateRecord("irqs", irqs);
  const levels = (name: string, value: unknown) => stateIntegers(`irqs.${name}`, value, ISA_IRQS, ISA_IRQS, 1);
  return { pci, irqs: { ours: levels("ours", ours), theirs: levels("theirs", theirs) } };
}
