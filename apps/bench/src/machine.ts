import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { GuestMachine, GuestNetDriver, type GuestNetOptions } from "@vmmkit/guest-driver";
import { IoPortType } from "@vmmkit/ioport";
import { commonMakeVirtioNet, type VirtioNet, type VirtioNetOptions } from "@vmmkit/virtio-net";

/** A guest in TypeScript with one card, its driver running. */
export interface BenchMachine {
  readonly driver: GuestNetDriver;
  readonly card: VirtioNet;
}

/** Makes a machine whose guest polls: no interrupts, so that only rings and backend are measured. */
export function benchMachine(
  backend: RawIfaceFuncs,
  guest: GuestNetOptions = {},
  options: VirtioNetOptions = {},
): BenchMachine {
  const machine = new GuestMachine({ memoryBytes: 64 << 20 });
  const range = { start: 0, end: 0, size: 32 };
  const card = commonMakeVirtioNet(
    machine.vm,
    machine.pci,
    machine.ioport,
    range,
    IoPortType.Free,
    1,
    11,
    backend,
    options,
  );
  const driver = GuestNetDriver.probe(machine.ports, machine.ram, { interrupts: "off", ...guest });
  driver.start();
  return { driver, card };
}
