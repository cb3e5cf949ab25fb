import type { RawIfaceFuncs } from "@vmmkit/ethif";
import type { PciFunction } from "@vmmkit/pci";
import { VirtioEmul, VirtioPciFunction } from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import { checkInteger, checkWindow, MIN_WINDOW_BYTES } from "./checks.ts";
import { NetDevice } from "./net-device.ts";
import type { VirtioNetFunctionOptions } from "./options.ts";

/** PCI class of a network controller (its subclass 0 is Ethernet). */
const PCI_CLASS_NETWORK = 0x02;

/** A network card as one PCI function, in no machine yet. Made by `makeVirtioNetFunction`. */
export interface VirtioNetFunction {
  /** Configuration space and what is behind the BARs, for a VMM to map or to serve. */
  readonly function: PciFunction;
  /** The network device behind the registers. */
  readonly device: NetDevice;
  /** The legacy registers (C original: `virtio_emul_t`). */
  readonly emul: VirtioEmul;
}

/**
 * Makes a network card that knows no PCI space and no port list: for a VMM with an address space of its own, or a
 * server that offers the card to other processes. `commonMakeVirtioNet` puts one into a machine.
 * @param vm guest memory and interrupts
 * @param backend what carries the frames
 * @throws RangeError, TypeError or an error of `@vmmkit/pci` that names the argument
 */
export function makeVirtioNetFunction(
  vm: Vm,
  backend: RawIfaceFuncs,
  options: VirtioNetFunctionOptions = {},
): VirtioNetFunction {
  const { interruptPin = 1, interruptLine = 0, ioAddress = 0, ioBytes = MIN_WINDOW_BYTES } = options;
  checkInteger("interruptPin", interruptPin, 1, 4);
  checkInteger("interruptLine", interruptLine, 0, 255);
  checkWindow("ioBytes", ioBytes);
  // The function needs the device's state, and the device, once it is made, wants to interrupt through the function.
  let made: VirtioPciFunction | null = null;
  const hooks = { interrupt: (irq: number) => made?.interrupt(irq), lowerIrq: () => made?.lowerIrq() };
  const device = new NetDevice(vm, backend, hooks, options);
  const emul = new VirtioEmul(device.state);
  made = new VirtioPciFunction(emul, vm.interrupts, {
    classCode: PCI_CLASS_NETWORK,
    interruptPin,
    interruptLine,
    irqLine: options.irqLine ?? interruptLine,
    ioAddress,
    ioBytes,
  });
  return { function: made, device, emul };
}
