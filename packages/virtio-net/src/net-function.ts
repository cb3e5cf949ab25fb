import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { type VirtioEmul, VirtioPciFunction, type VirtioPciKind } from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import { checkInteger, checkWindow, MSIX_WINDOW_BYTES } from "./checks.ts";
import { NetDevice } from "./net-device.ts";
import type { VirtioNetFunctionOptions } from "./options.ts";

/** PCI class of a network controller (its subclass 0 is Ethernet). */
const PCI_CLASS_NETWORK = 0x02;

/** A network card as one PCI function, in no machine yet. Made by `makeVirtioNetFunction`. */
export interface VirtioNetFunction {
  /** Configuration space and what is behind the BARs, for a VMM to map or to serve. */
  readonly function: VirtioPciFunction;
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
  const { interruptPin = 1, interruptLine = 0, ioAddress = 0, ioBytes = MSIX_WINDOW_BYTES } = options;
  const { transport = "transitional" } = options;
  checkInteger("interruptPin", interruptPin, 1, 4);
  checkInteger("interruptLine", interruptLine, 0, 255);
  checkWindow("ioBytes", ioBytes);
  checkTransport(transport);
  const msix = options.msix ?? (VirtioPciFunction.canHaveMsix(vm.interrupts) && hasRoomForMsix(transport, ioBytes));
  if (msix) checkMsix(vm, transport, ioBytes);
  // The function needs the device's state, and the device, once it is made, wants to interrupt through the function.
  let made: VirtioPciFunction | null = null;
  const hooks = { interrupt: (irq: number) => made?.interrupt(irq), lowerIrq: () => made?.lowerIrq() };
  const device = new NetDevice(vm, backend, hooks, options);
  made = new VirtioPciFunction(device.state, vm.interrupts, {
    kind: transport,
    msix,
    classCode: PCI_CLASS_NETWORK,
    interruptPin,
    interruptLine,
    irqLine: options.irqLine ?? interruptLine,
    ioAddress,
    ioBytes,
  });
  return { function: made, device, emul: made.emul };
}

const TRANSPORTS: readonly VirtioPciKind[] = ["legacy", "transitional", "modern"];

/** @throws TypeError for a transport that there is not */
export function checkTransport(transport: VirtioPciKind): void {
  if (TRANSPORTS.includes(transport)) return;
  throw new TypeError(`"transport" expected ${TRANSPORTS.join(", ")}, got ${String(transport)}`);
}

function hasRoomForMsix(transport: VirtioPciKind, ioBytes: number): boolean {
  return transport === "modern" || ioBytes >= MSIX_WINDOW_BYTES;
}

function checkMsix(vm: Vm, transport: VirtioPciKind, ioBytes: number): void {
  if (!VirtioPciFunction.canHaveMsix(vm.interrupts)) {
    throw new TypeError('"msix" expected a VMM with "interrupts.signalMessage" or "signalVector", got neither');
  }
  if (!hasRoomForMsix(transport, ioBytes)) {
    throw new RangeError(
      `"msix" expected at least ${MSIX_WINDOW_BYTES} ports for the legacy registers, got ${ioBytes}`,
    );
  }
}
