import type { GuestMemory } from "./guest-memory.ts";
import type { InterruptController } from "./interrupts.ts";

/**
 * What a virtual machine monitor gives to a device: the guest's memory and a way to interrupt it
 * (C original: `vm_t`).
 */
export interface Vm {
  /** The guest's physical memory. The VMM owns the bytes. */
  readonly memory: GuestMemory;
  /** How the guest is interrupted. */
  readonly interrupts: InterruptController;
  /**
   * Runs `task` once, soon, on this thread, when the guest's current instruction is over: an emulator calls it
   * between its time slices. Devices use it to gather interrupts. Absent: devices act at once.
   */
  readonly defer?: (task: () => void) => void;
}
