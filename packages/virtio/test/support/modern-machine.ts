import { PCI_CAPABILITY_LIST, type PciRegion } from "@vmmkit/pci";
import type { InterruptController } from "@vmmkit/vm";
import * as spec from "../../src/index.ts";
import { FakeDevice, memoryOf } from "./fake-device.ts";

/** Offsets behind the memory BAR: what the capabilities say. */
export const ISR = 0x1000;
export const DEVICE = 0x2000;
export const NOTIFY = 0x3000;
/** The number of the BAR. */
export const BAR = 4;

/** A device that offers 64 bits of features and can refuse some of them. */
export class ModernDevice extends FakeDevice {
  override readonly deviceId: number = spec.VIRTIO_ID_NET;
  override readonly featuresHigh: number = 0x1c5;
  /** What the device says of features that all are on offer. */
  accepts = true;

  acceptsFeatures(): boolean {
    return this.accepts;
  }
}

/** A virtio PCI function over a device that writes down what it is told. */
export class ModernMachine {
  readonly device: ModernDevice;
  readonly state: spec.DeviceState;
  readonly fn: spec.VirtioPciFunction;
  readonly messages: number[] = [];
  readonly lines: string[] = [];
  level = false;

  constructor(kind: spec.VirtioPciKind = "transitional", device: ModernDevice = new ModernDevice(), msix = true) {
    this.device = device;
    this.state = new spec.DeviceState(memoryOf(0x10_0000), device, {
      raiseIrq: (irq) => this.fn.interrupt(irq),
      lowerIrq: () => this.fn?.lowerIrq(),
      log: (line) => this.lines.push(line),
    });
    const interrupts: InterruptController = {
      setLine: (_line, level) => {
        this.level = level;
      },
      signalMessage: (_low, _high, data) => this.messages.push(data),
    };
    this.fn = new spec.VirtioPciFunction(this.state, interrupts, {
      kind,
      msix,
      classCode: 2,
      interruptPin: 1,
      interruptLine: 11,
      irqLine: 11,
      ioAddress: 0,
      ioBytes: 64,
    });
  }

  /** What is behind the memory BAR. */
  get region(): PciRegion {
    const region = this.fn.regions[BAR];
    if (region === undefined || region === null) throw new Error("no modern registers");
    return region;
  }

  /** Reads a register of the common configuration; 2 bytes unless told otherwise. */
  read(offset: number, size = 2): number {
    return this.region.read(offset, size);
  }

  write(offset: number, value: number, size = 2): void {
    this.region.write(offset, size, value);
  }

  get status(): number {
    return this.read(spec.VIRTIO_PCI_COMMON_STATUS, 1);
  }

  set status(value: number) {
    this.write(spec.VIRTIO_PCI_COMMON_STATUS, value, 1);
  }

  acceptFeatures(word: number, bits: number): void {
    this.write(spec.VIRTIO_PCI_COMMON_GFSELECT, word, 4);
    this.write(spec.VIRTIO_PCI_COMMON_GF, bits, 4);
  }

  /** As far as FEATURES_OK, with VERSION_1 and these bits of the upper word. */
  negotiate(high = 0): void {
    this.status = 1;
    this.status = 3;
    this.acceptFeatures(1, (high | 1) >>> 0);
    this.status = 11;
  }

  /** Says where a queue is, and starts it. */
  place(queue: number, start = 0x1_0000): void {
    this.write(spec.VIRTIO_PCI_COMMON_Q_SELECT, queue);
    this.write(spec.VIRTIO_PCI_COMMON_Q_DESCLO, start, 4);
    this.write(spec.VIRTIO_PCI_COMMON_Q_AVAILLO, start + 0x1000, 4);
    this.write(spec.VIRTIO_PCI_COMMON_Q_USEDLO, start + 0x2000, 4);
    this.write(spec.VIRTIO_PCI_COMMON_Q_ENABLE, 1);
  }

  /** Everything, up to a driver that is ready and queue 0. */
  start(high = 0): void {
    this.negotiate(high);
    this.place(0);
    this.status = 15;
  }

  /** The capabilities by their order: id, and for virtio's the type, BAR, offset and length. */
  capabilities(): { at: number; id: number; type: number; bar: number; offset: number; length: number }[] {
    const found = [];
    for (let at = this.fn.ioRead(PCI_CAPABILITY_LIST, 1); at !== 0; at = this.fn.ioRead(at + 1, 1)) {
      found.push({
        at,
        id: this.fn.ioRead(at, 1),
        type: this.fn.ioRead(at + 3, 1),
        bar: this.fn.ioRead(at + 4, 1),
        offset: this.fn.ioRead(at + 8, 4),
        length: this.fn.ioRead(at + 12, 4),
      });
    }
    return found;
  }
}
