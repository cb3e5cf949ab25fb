import type { RawIfaceFuncs } from "@vmmkit/ethif";
import {
  type IoPortEntry,
  IoPortOverlapError,
  type IoPortRange,
  IoPortType,
  type VmmIoPortList,
  type VmmMmioList,
} from "@vmmkit/ioport";
import { PciPlug, type VmmPciSpace } from "@vmmkit/pci";
import type { VirtioPciKind } from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import { checkBackend } from "./backend-check.ts";
import { checkInteger, checkWindow, MSIX_WINDOW_BYTES } from "./checks.ts";
import { checkTransport, makeVirtioNetFunction } from "./net-function.ts";
import type { VirtioNetOptions } from "./options.ts";
import { VirtioNet } from "./virtio-net.ts";

/**
 * Makes a network card and puts it into a machine (C original: `common_make_virtio_net`): a function in PCI space,
 * its registers on the port list and, with `options.mmio`, on the list of memory-mapped ranges. Whether they are mapped
 * follows the guest's command register from then on, and where they are its BARs.
 *
 * @param vm guest memory and interrupts
 * @param pci where the function goes
 * @param ioport where its registers go
 * @param ioportRange for `IoPortType.Addr` where the registers are at first: 32 to 256 ports, a power of two, aligned
 * to it; for `IoPortType.Free` how many ports (`size`), which may become 64 for a card with MSI-X. A modern card has
 * no ports
 * @param portType whether the list chooses the ports or the caller did
 * @param interruptPin 1 to 4 for INTA# to INTD#
 * @param interruptLine what the interrupt line register says at first, and the line that is raised: `options.irqLine`
 * says otherwise
 * @param backend what carries the frames; `virtioNetDefaultBackend()` to start with
 * @throws RangeError, TypeError or an error of `@vmmkit/ioport` or `@vmmkit/pci` that names the argument
 */
export function commonMakeVirtioNet(
  vm: Vm,
  pci: VmmPciSpace,
  ioport: VmmIoPortList,
  ioportRange: IoPortRange,
  portType: IoPortType,
  interruptPin: number,
  interruptLine: number,
  backend: RawIfaceFuncs,
  options: VirtioNetOptions = {},
): VirtioNet {
  checkRange(ioportRange, portType);
  checkInteger("interruptPin", interruptPin, 1, 4);
  checkInteger("interruptLine", interruptLine, 0, 255);
  checkBackend(backend);
  const { mmio = null, transport = mmio === null ? "legacy" : "transitional" } = options;
  checkTransport(transport);
  checkMemoryBars(mmio, transport, options);
  const desc = options.name ?? "virtio-net";
  if (portType === IoPortType.Addr && transport !== "modern") checkFree(ioport, ioportRange, desc);
  const plug = new PciPlug({ pci, ioport, mmio, desc });
  try {
    // Firmware turns decoding on; until then nothing is at the ports.
    const wanted = withRoom(ioportRange, portType, mmio !== null && options.msix !== false);
    const ports = transport === "modern" ? null : plug.reservePorts(0, wanted, portType);
    const pciAddress = plug.reserveAddress(options.pciAddress);
    const pins = { interruptPin, interruptLine };
    // Last, as it tells the backend of its card: once it knows, the card is there.
    const card = makeVirtioNetFunction(vm, backend, {
      ...options,
      ...(mmio === null ? { msix: false } : {}),
      transport,
      ...pins,
      ...windowAt(ports),
    });
    plug.attach(card.function);
    const { device, emul, function: fn } = card;
    return new VirtioNet({ vm, device, emul, function: fn, ports, pciAddress, remove: () => plug.remove() });
  } catch (error) {
    plug.remove();
    throw error;
  }
}

function windowAt(ports: IoPortEntry | null): { ioAddress?: number; ioBytes?: number } {
  return ports === null ? {} : { ioAddress: ports.range.start, ioBytes: ports.range.end - ports.range.start + 1 };
}

/** Where the list chooses the ports there may as well be enough of them for MSI-X. */
function withRoom(range: IoPortRange, type: IoPortType, msix: boolean): IoPortRange {
  if (type !== IoPortType.Free || !msix || range.size >= MSIX_WINDOW_BYTES) return range;
  return { ...range, size: MSIX_WINDOW_BYTES };
}

/** @throws TypeError where the card would have memory BARs that the machine cannot map */
function checkMemoryBars(mmio: VmmMmioList | null, transport: VirtioPciKind, options: VirtioNetOptions): void {
  if (mmio !== null) return;
  if (transport !== "legacy") throw new TypeError(`"mmio" expected a list for the memory BARs of a ${transport} card`);
  if (options.msix === true) throw new TypeError('"mmio" expected a list for the memory BAR of MSI-X');
}

function checkRange(range: IoPortRange, type: IoPortType): void {
  const size = type === IoPortType.Free ? range.size : range.end - range.start + 1;
  checkWindow("ioportRange", size);
  if (type === IoPortType.Addr && range.start % size !== 0) {
    throw new RangeError(`"ioportRange.start" expected a multiple of ${size}, got ${range.start}`);
  }
}

/** Nobody else's ports, mapped or not: a card that waits for its ports for ever is no card. */
function checkFree(ioport: VmmIoPortList, wanted: IoPortRange, desc: string): void {
  for (const { range, iface } of ioport.entries()) {
    if (range.start > wanted.end || range.end < wanted.start) continue;
    throw new IoPortOverlapError(
      `"ioportRange" ${formatRange(wanted)} for ${desc} overlaps ${formatRange(range)} of ${iface.desc}`,
    );
  }
}

function formatRange(range: IoPortRange): string {
  return `0x${range.start.toString(16)}-0x${range.end.toString(16)}`;
}
