import type { GuestBus } from "@vmmkit/guest-driver";
import { makeRig, type Rig, type RigOptions } from "./rig.ts";

/** A rig whose guest can move to another machine. */
export interface MovableRig extends Rig {
  /** What it was made with. */
  readonly options: RigOptions;
  /** Guest memory, which moves with the guest. */
  readonly buffer: ArrayBuffer;
  /** The driver's: where its loads and stores go, whichever machine that is. */
  readonly bus: GuestBus;
}

/** A rig over memory that a second machine can be made over. */
export function makeMovableRig(options: RigOptions = {}): MovableRig {
  const buffer = new ArrayBuffer(options.machine?.memoryBytes ?? 4 << 20);
  const rig = makeRig({ ...options, machine: { ...options.machine, buffer } });
  return { ...rig, options, buffer, bus: rig.machine.ports };
}

/** A state as it travels: text. */
export function travel(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state));
}

/**
 * The guest goes on in another machine, in another process that has its memory. Its driver is the same one: its
 * instructions reach the new machine, and the new machine's interrupts reach it. The old card is gone.
 */
export function moveGuest(rig: MovableRig): MovableRig {
  const { options, buffer, bus, driver } = rig;
  const state = travel(rig.machine.pci.save());
  rig.card.close();
  const twin = makeRig({ ...options, machine: { ...options.machine, buffer }, driver });
  Object.assign(bus, twin.machine.ports);
  twin.machine.pci.restore(state);
  return { ...twin, options, buffer, bus };
}
