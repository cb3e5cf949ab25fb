import { AttachedMachine } from "./attached-machine.ts";
import { V86AttachError } from "./errors.ts";
import { v86Internals } from "./internals.ts";
import type { V86Machine } from "./machine.ts";

/** Options of `attachVmmkit`. */
export interface AttachOptions {
  /** Where I/O port ranges of type `Free` are looked for. Default 0xe000, where v86 has nothing of its own. */
  readonly allocAddr?: number;
}

const DEFAULT_ALLOC_ADDR = 0xe000;

/** Emulators that are attached to now. */
const attached = new WeakSet<object>();

/**
 * Puts vmmkit's PCI space in front of a v86's.
 * @param emulator a `V86` object, after its event "emulator-loaded" and before `run()`: make it with
 * `autostart: false`. It stays the caller's
 * @throws V86InternalsError where it is not loaded, or not a v86 that this package knows
 * @throws V86AttachError where it is attached to already
 */
export function attachVmmkit(emulator: object, options: AttachOptions = {}): V86Machine {
  const cpu = v86Internals(emulator);
  if (attached.has(cpu)) throw new V86AttachError('"emulator" has vmmkit\'s PCI space already');
  const machine = new AttachedMachine(cpu, options.allocAddr ?? DEFAULT_ALLOC_ADDR, () => attached.delete(cpu));
  attached.add(cpu);
  return machine;
}
