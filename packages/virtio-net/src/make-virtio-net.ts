import type { RawIfaceFuncs } from "@vmmkit/ethif";
import {
  type IoPortEntry,
  type IoPortInterface,
  IoPortOverlapError,
  type IoPortRange,
  IoPortType,
  type VmmIoPortList,
} from "@vmmkit/ioport";
import { barEmulation, deviceEntry, type IntxEntry, intxEmulation, type PciEntry, type VmmPciSpace } from "@vmmkit/pci";
import {
  VIRTIO_ID_NET,
  VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET,
  VIRTIO_PCI_REVISION_LEGACY,
  VIRTIO_PCI_VENDOR_ID,
} from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import { NetDevice } from "./net-device.ts";
import type { VirtioNetOptions } from "./options.ts";
import { VirtioNet } from "./virtio-net.ts";

/** PCI class of a network controller (its subclass 0 is Ethernet). */
const PCI_CLASS_NETWORK = 0x02;
/** The registers and the configuration of a network card take 32 ports. */
const WINDOW_BITS = 5;
const WINDOW_BYTES = 2 ** WINDOW_BITS;
/** Most ports that an I/O BAR should ask for (PCI 3.0, 6.2.5.1). */
const MAX_WINDOW_BYTES = 256;

/**
 * Makes a network card and puts it into a machine (C original: `common_make_virtio_net`): a function in PCI space,
 * its registers on the port list. Whether the ports are mapped follows the guest's command register from then on,
 * and where they are its BAR.
 *
 * @param vm guest memory and interrupts
 * @param pci where the function goes
 * @param ioport where its registers go
 * @param ioportRange for `IoPortType.Addr` where the registers are at first: 32 to 256 ports, a power of two, aligned
 * to it; for `IoPortType.Free` how many ports (`size`)
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
  const registers = new Registers(options.name ?? "virtio-net");
  if (portType === IoPortType.Addr) checkFree(ioport, ioportRange, registers.desc);
  // Firmware turns decoding on; until then nothing is at the ports.
  const ports = ioport.addHandler(ioportRange, registers, portType, false);
  const undo = [(): void => ioport.removeHandler(ports)];
  const remove = (): void => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    const header = headerEntry(interruptPin, interruptLine);
    const pin = intxEmulation(header, vm.interrupts, options.irqLine ?? interruptLine);
    const entry = functionEntry(pin, registers, ioport, ports);
    const pciAddress = pci.addEntry(entry, options.pciAddress ?? "free slot");
    undo.push(() => pci.removeEntry(pciAddress));
    // Last, as it tells the backend of its card: once it knows, the card is there.
    const device = new NetDevice(vm, backend, pin, options);
    registers.attach(device, ports);
    return new VirtioNet({ vm, device, funcs: backend, ports, pciAddress, remove });
  } catch (error) {
    remove();
    throw error;
  }
}

/** The handler behind the ports: absolute ports become offsets in the register window. */
class Registers implements IoPortInterface {
  readonly desc: string;
  #device: NetDevice | null = null;
  #ports: IoPortEntry | null = null;

  constructor(desc: string) {
    this.desc = desc;
  }

  attach(device: NetDevice, ports: IoPortEntry): void {
    this.#device = device;
    this.#ports = ports;
  }

  /** Power-on of the device behind the registers. */
  reset(): void {
    this.#device?.emul.reset();
  }

  portIn(port: number, size: number): number {
    if (this.#device === null || this.#ports === null) return 0xffff_ffff;
    return this.#device.emul.ioIn(port - this.#ports.range.start, size);
  }

  portOut(port: number, size: number, value: number): void {
    if (this.#device === null || this.#ports === null) return;
    this.#device.emul.ioOut(port - this.#ports.range.start, size, value);
  }
}

function headerEntry(interruptPin: number, interruptLine: number): PciEntry {
  return deviceEntry({
    vendorId: VIRTIO_PCI_VENDOR_ID,
    deviceId: VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET,
    revisionId: VIRTIO_PCI_REVISION_LEGACY,
    classCode: PCI_CLASS_NETWORK,
    subsystemVendorId: VIRTIO_PCI_VENDOR_ID,
    subsystemId: VIRTIO_ID_NET,
    interruptPin,
    interruptLine,
  });
}

/** The whole function: header, pin, BAR; and a reset that reaches the device. */
function functionEntry(pin: IntxEntry, registers: Registers, ioport: VmmIoPortList, ports: IoPortEntry): PciEntry {
  const size = ports.range.end - ports.range.start + 1;
  const bars = barEmulation(pin, [{ kind: "io", address: ports.range.start, sizeBits: Math.log2(size) }], {
    onBarChange: (window) => {
      if (window.enabled) ioport.mapHandler(ports, window.address);
      else ioport.unmapHandler(ports);
    },
  });
  return {
    ioRead: (offset, size) => bars.ioRead(offset, size),
    ioWrite: (offset, size, value) => bars.ioWrite(offset, size, value),
    reset: () => {
      registers.reset();
      bars.reset();
    },
  };
}

function checkRange(range: IoPortRange, type: IoPortType): void {
  const size = type === IoPortType.Free ? range.size : range.end - range.start + 1;
  if (!Number.isInteger(Math.log2(size)) || size < WINDOW_BYTES || size > MAX_WINDOW_BYTES) {
    throw new RangeError(
      `"ioportRange" expected a power of two from ${WINDOW_BYTES} to ${MAX_WINDOW_BYTES} ports, got ${size}`,
    );
  }
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

/** The functions that a backend has to have. */
const REQUIRED: readonly (keyof RawIfaceFuncs)[] = [
  "lowLevelInit",
  "rawTx",
  "rawPoll",
  "rawHandleIRQ",
  "getMac",
  "printState",
];

function checkBackend(backend: RawIfaceFuncs): void {
  for (const name of REQUIRED) {
    const value: unknown = backend?.[name];
    if (typeof value !== "function") throw new TypeError(`"backend.${name}" expected a function, got ${String(value)}`);
  }
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected ${min} to ${max}, got ${value}`);
  }
}
