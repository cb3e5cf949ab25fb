import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { IoPortType } from "@vmmkit/ioport";
import { commonMakeVirtioNet, type VirtioNet, type VirtioNetOptions } from "@vmmkit/virtio-net";
import type { V86Machine } from "./machine.ts";

/** Options of `addVirtioNet`: the card's own, and what is the emulator's. */
export interface AddVirtioNetOptions extends Omit<VirtioNetOptions, "irqLine" | "mmio" | "msix"> {
  /**
   * Packed rings are offered too. Default false: the guest's instructions are what a frame costs in an emulator, and Linux
   * needs a hundred more with such a ring.
   */
  readonly packed?: boolean;
  /** 1 to 4 for INTA# to INTD#. Default 1. */
  readonly interruptPin?: number;
}

/** Ports of the legacy register window. */
const WINDOW = { start: 0, end: 0, size: 32 } as const;

/** What the interrupt line register says while firmware has not told: unknown (PCI 3.0, 6.2.4). */
const UNKNOWN_IRQ = 0xff;

/**
 * Puts a network card into the emulator: in the lowest free slot, its registers where there are ports free
 * and in memory where firmware or kernel puts them, its interrupt on the line that this slot's pin is wired to.
 * @param machine from `attachVmmkit`
 * @param backend what carries the frames
 * @throws what `commonMakeVirtioNet` throws, and V86RangeError for a slot or pin that there is not
 */
export function addVirtioNet(
  machine: V86Machine,
  backend: RawIfaceFuncs,
  options: AddVirtioNetOptions = {},
): VirtioNet {
  const { interruptPin = 1, packed = false, ...card } = options;
  const without = [...(card.without ?? []), ...(packed ? [] : ["RING_PACKED" as const])];
  const pciAddress = card.pciAddress ?? machine.freeAddress();
  const irqLine = machine.lineOf(pciAddress, interruptPin);
  const irq = machine.irqOf(irqLine);
  return commonMakeVirtioNet(
    machine.vmFor(pciAddress, interruptPin),
    machine.pci,
    machine.ioport,
    WINDOW,
    IoPortType.Free,
    interruptPin,
    irq < 0 ? UNKNOWN_IRQ : irq,
    backend,
    { ...card, without, pciAddress, irqLine, mmio: machine.mmio },
  );
}
