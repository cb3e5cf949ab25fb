import { PciDefinitionError } from "./errors.ts";
import { Overlay, overlaid } from "./overlay.ts";
import type { PciEntry } from "./pci-entry.ts";
import { PCI_INTERRUPT_LINE } from "./spec.ts";

/**
 * Shows a fixed interrupt line (C original: `vmm_pci_create_irq_emulation`). The guest's writes to the register
 * are ignored; the registers beside it pass through at any width.
 * @param line 0 to 255
 * @throws PciDefinitionError for another line
 */
export function irqEmulation(entry: PciEntry, line: number): PciEntry {
  if (!Number.isInteger(line) || line < 0 || line > 0xff) {
    throw new PciDefinitionError(`"line" expected an integer from 0 to 255, got ${line}`);
  }
  const overlay = new Overlay();
  overlay.show(PCI_INTERRUPT_LINE, 0xff, line);
  overlay.blocked[PCI_INTERRUPT_LINE] = 1;
  return overlaid(entry, overlay);
}
