import * as spec from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import type { GuestBus, PortWidth } from "./guest-ports.ts";
import { GuestMsix } from "./msix.ts";
import type { BarInfo, PciFunction } from "./pci-function.ts";
import { enumeratePci } from "./pci-probe.ts";
import type { GuestTransport } from "./transport.ts";
import { addressOf, type VirtioCap, virtioCaps } from "./virtio-cap.ts";

/** Where memory BARs without an address are put: above 4 GiB for those that can be there. */
const MEMORY_WINDOW = { memory32: 0xe000_0000, memory64: 0x40_0000_0000 } as const;
/** Where messages go: a local interrupt controller's address on a PC. */
const MESSAGE_ADDRESS = 0xfee0_0000;
/** How much of a window each function of bus 0 gets. */
const WINDOW_BYTES = 1 << 20;

/** The modern PCI interface (VIRTIO 1.2, 4.1.4): registers behind memory BARs that capabilities name. */
export class ModernTransport implements GuestTransport {
  readonly legacyLayout: boolean = false;
  /** The card's PCI function. */
  readonly func: PciFunction;
  readonly #bus: GuestBus;
  readonly #notifyMultiplier: number;
  #bars: readonly BarInfo[];
  #common = 0;
  #isr = 0;
  #device = 0;
  #notify = 0;
  #usesVectors = false;
  /** By queue: its notification address, once it was asked for. */
  readonly #notifyAt: number[] = [];

  /**
   * Places memory BARs that have no place, and turns the function on.
   * @throws DriverError where a capability is missing
   */
  constructor(bus: GuestBus, func: PciFunction) {
    this.#bus = bus;
    this.func = func;
    this.#bars = placeBars(func);
    this.#notifyMultiplier = func.read(this.#cap(spec.VIRTIO_PCI_CAP_NOTIFY_CFG).at + 16, 4);
    this.#find();
    func.enable();
  }

  /**
   * Finds a network card with the modern interface by its PCI ids and capabilities.
   * @param nth which card, where there are several: 0 is the first
   * @throws DriverError where there is none
   */
  static probe(bus: GuestBus, nth = 0): ModernTransport {
    const ids = [spec.VIRTIO_PCI_DEVICE_ID_MODERN + spec.VIRTIO_ID_NET, spec.VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET];
    const found = enumeratePci(bus).filter(
      (func) =>
        func.vendorId === spec.VIRTIO_PCI_VENDOR_ID &&
        ids.includes(func.deviceId) &&
        virtioCaps(func).some(({ cfgType }) => cfgType === spec.VIRTIO_PCI_CAP_COMMON_CFG),
    )[nth];
    if (found === undefined) throw new DriverError(`no modern network card number ${nth} on bus 0`);
    return new ModernTransport(bus, found);
  }

  /** Where the BARs are. */
  get bars(): readonly BarInfo[] {
    return this.#bars;
  }

  /** The function's MSI-X. @throws DriverError where it has none */
  msix(): GuestMsix {
    return new GuestMsix(this.#bus, this.func, this.#bars);
  }

  /**
   * Turns MSI-X on: vector 0 for changes of configuration, the next ones for the queues, as soon as they are placed.
   * @param firstData what vector 0's message carries; each further vector carries one more
   * @throws DriverError where the function has no MSI-X
   */
  useMsix(firstData: number): GuestMsix {
    const msix = this.msix();
    for (let vector = 0; vector < msix.vectors; vector++) msix.setMessage(vector, MESSAGE_ADDRESS, firstData + vector);
    msix.setEnabled(true);
    this.#usesVectors = true;
    return msix;
  }

  /** Moves the modern registers to another address. @throws DriverError where the BAR refuses */
  moveTo(address: number): void {
    const { bar } = this.#cap(spec.VIRTIO_PCI_CAP_COMMON_CFG);
    this.#bars = this.#bars.map((info) => (info.index === bar ? this.func.moveBar(info, address) : info));
    this.#find();
  }

  /** Reads a register of the common configuration (4.1.4.3). */
  readCommon(offset: number, size: PortWidth): number {
    return this.#bus.load(this.#common + offset, size);
  }

  /** Writes one. */
  writeCommon(offset: number, size: PortWidth, value: number): void {
    this.#bus.store(this.#common + offset, size, value);
  }

  readDeviceFeatures(word: number): number {
    this.writeCommon(spec.VIRTIO_PCI_COMMON_DFSELECT, 4, word);
    return this.readCommon(spec.VIRTIO_PCI_COMMON_DF, 4);
  }

  writeDriverFeatures(word: number, bits: number): void {
    this.writeCommon(spec.VIRTIO_PCI_COMMON_GFSELECT, 4, word);
    this.writeCommon(spec.VIRTIO_PCI_COMMON_GF, 4, bits);
  }

  readStatus(): number {
    return this.readCommon(spec.VIRTIO_PCI_COMMON_STATUS, 1);
  }

  writeStatus(status: number): void {
    this.writeCommon(spec.VIRTIO_PCI_COMMON_STATUS, 1, status);
  }

  readIsr(): number {
    return this.#bus.load(this.#isr, 1);
  }

  readQueueSize(queue: number): number {
    this.#select(queue);
    return this.readCommon(spec.VIRTIO_PCI_COMMON_Q_SIZE, 2);
  }

  writeQueue(queue: number, descTable: number, availRing: number, usedRing: number, size?: number): void {
    this.#select(queue);
    if (size !== undefined) this.writeCommon(spec.VIRTIO_PCI_COMMON_Q_SIZE, 2, size);
    this.#writeAddress(spec.VIRTIO_PCI_COMMON_Q_DESCLO, descTable);
    this.#writeAddress(spec.VIRTIO_PCI_COMMON_Q_AVAILLO, availRing);
    this.#writeAddress(spec.VIRTIO_PCI_COMMON_Q_USEDLO, usedRing);
    if (descTable === 0) return;
    if (this.#usesVectors) this.#giveVectors(queue);
    this.writeCommon(spec.VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
  }

  /** Resets a queue by itself, and waits until the device has done it (2.6.1.2). @throws DriverError where it does not */
  resetQueue(queue: number): void {
    this.#select(queue);
    this.writeCommon(spec.VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
    const left =
      this.readCommon(spec.VIRTIO_PCI_COMMON_Q_RESET, 2) | this.readCommon(spec.VIRTIO_PCI_COMMON_Q_ENABLE, 2);
    if (left !== 0) throw new DriverError(`queue ${queue} does not reset`);
  }

  /** Gives a queue, or with -1 changes of configuration, an MSI-X vector. @returns what the device took */
  setVector(queue: number, vector: number): number {
    const register = queue < 0 ? spec.VIRTIO_PCI_COMMON_MSIX : spec.VIRTIO_PCI_COMMON_Q_MSIX;
    if (queue >= 0) this.#select(queue);
    this.writeCommon(register, 2, vector);
    return this.readCommon(register, 2);
  }

  notify(queue: number): void {
    let at = this.#notifyAt[queue];
    if (at === undefined) {
      this.#select(queue);
      at = this.#notify + this.readCommon(spec.VIRTIO_PCI_COMMON_Q_NOFF, 2) * this.#notifyMultiplier;
      this.#notifyAt[queue] = at;
    }
    this.#bus.store(at, 2, queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.#bus.load(this.#device + offset, size);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.#bus.store(this.#device + offset, size, value);
  }

  #select(queue: number): void {
    this.writeCommon(spec.VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
  }

  /** @throws DriverError where the device does not take them */
  #giveVectors(queue: number): void {
    const taken = [this.setVector(-1, 0), this.setVector(queue, queue + 1)];
    if (taken[0] !== 0 || taken[1] !== queue + 1) throw new DriverError(`vectors of queue ${queue} became ${taken}`);
  }

  #writeAddress(offset: number, address: number): void {
    this.writeCommon(offset, 4, address % 2 ** 32);
    this.writeCommon(offset + 4, 4, Math.floor(address / 2 ** 32));
  }

  #find(): void {
    this.#common = this.#address(spec.VIRTIO_PCI_CAP_COMMON_CFG);
    this.#isr = this.#address(spec.VIRTIO_PCI_CAP_ISR_CFG);
    this.#device = this.#address(spec.VIRTIO_PCI_CAP_DEVICE_CFG);
    this.#notify = this.#address(spec.VIRTIO_PCI_CAP_NOTIFY_CFG);
    this.#notifyAt.length = 0;
  }

  #address(cfgType: number): number {
    const { bar, offset } = this.#cap(cfgType);
    return addressOf(this.#bars, bar, offset);
  }

  /** The first capability of a type: a driver prefers those that come first (4.1.4.1). */
  #cap(cfgType: number): VirtioCap {
    const found = virtioCaps(this.func).find((cap) => cap.cfgType === cfgType);
    if (found === undefined) throw new DriverError(`${this.func} has no virtio capability of type ${cfgType}`);
    return found;
  }
}

/** Gives each memory BAR at address 0 a place, as firmware does. */
function placeBars(func: PciFunction): BarInfo[] {
  return func.bars().map((bar) => {
    if (bar.kind === "io" || bar.address !== 0) return bar;
    const start = MEMORY_WINDOW[bar.kind] + (8 * func.device + func.func) * WINDOW_BYTES;
    return func.moveBar(bar, start + bar.index * 0x1_0000);
  });
}
