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
  /**
   * Calls `task` on this thread each time the guest has run for a while and stops: an emulator does so after each of
   * its time slices, before the guest waits or goes on. Devices look there for work instead of being notified of each
   * piece. What `defer` is given in `task` runs before the guest does. Absent: devices rely on notifications.
   * @returns what ends it
   */
  readonly onSlice?: (task: () => void) => () => void;
}
