import { GuestMemory, type MemoryRegion } from "@vmmkit/vm";
import {
  DeviceState,
  type DeviceStateHooks,
  legacyLayout,
  type VirtioDevice,
  VirtioEmul,
  type Virtqueue,
} from "../../src/index.ts";
import { RawRing } from "./raw-ring.ts";

/** A kind of device that does nothing but write down what it is told. */
export class FakeDevice implements VirtioDevice {
  readonly deviceId: number = 42;
  readonly featuresLow: number;
  readonly featuresHigh: number = 0;
  readonly queueSizes: readonly number[];
  readonly config: Uint8Array = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x01, 0x00, 0xdc, 0x05);
  /** Calls, in order. */
  readonly calls: string[] = [];
  /** By number: the queue that became ready last. */
  readonly readyQueues: (Virtqueue | undefined)[] = [];
  /** Run on each notification. */
  onNotify: ((queue: number) => void) | null = null;

  constructor(queueSizes: readonly number[] = [8, 16], featuresLow = 0xb000_0021) {
    this.queueSizes = queueSizes;
    this.featuresLow = featuresLow;
  }

  configWrite(offset: number, value: number): void {
    this.calls.push(`config ${offset} = ${value}`);
    this.config[offset] = value;
  }

  queueReady(index: number, queue: Virtqueue): void {
    this.readyQueues[index] = queue;
  }

  driverOk(): void {
    this.calls.push("driver ok");
  }

  notify(queue: number): void {
    this.calls.push(`notify ${queue}`);
    this.onNotify?.(queue);
  }

  queueReset(queue: number): void {
    this.calls.push(`queue ${queue} reset`);
  }

  reset(): void {
    this.calls.push("reset");
  }
}

/** Guest memory from address 0 on. */
export function memoryOf(bytes: number): GuestMemory {
  return new GuestMemory([{ gpa: 0, size: bytes, buffer: new ArrayBuffer(bytes) }]);
}

/** A device behind the legacy interface, with memory for rings, and everything written down that comes out of it. */
export class FakeMachine {
  readonly memory: GuestMemory;
  readonly region: MemoryRegion;
  readonly device: FakeDevice;
  readonly emul: VirtioEmul;
  /** Interrupts asked for, in order: the queue, or -1. */
  readonly irqs: number[] = [];
  readonly lines: string[] = [];
  /** The level of the interrupt line. */
  level = false;
  lowered = 0;

  constructor(device: FakeDevice = new FakeDevice(), memoryBytes = 0x10_0000) {
    const buffer = new ArrayBuffer(memoryBytes);
    this.memory = new GuestMemory();
    this.region = this.memory.addRegion({ gpa: 0, size: memoryBytes, buffer });
    this.device = device;
    const hooks: DeviceStateHooks = {
      raiseIrq: (irq) => {
        this.irqs.push(irq);
        this.level = true;
      },
      lowerIrq: () => {
        this.lowered++;
        this.level = false;
      },
      log: (line) => this.lines.push(line),
    };
    this.emul = new VirtioEmul(new DeviceState(this.memory, device, hooks));
  }

  /** The guest's side of a queue that was placed at `page`. */
  ring(queue: number, page: number): RawRing {
    const size = this.device.queueSizes[queue] ?? 0;
    return new RawRing(new DataView(this.region.bytes.buffer), 0, legacyLayout(4096 * page, size), size);
  }

  /** Selects a queue and puts it at a page, as a driver does. */
  place(queue: number, page: number): void {
    this.emul.ioOut(14, 2, queue);
    this.emul.ioOut(8, 4, page);
  }
}
