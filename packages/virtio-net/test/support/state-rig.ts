import type { LinkInfo } from "@vmmkit/ethif";
import { GuestMachine, GuestNetDriver, type GuestNetOptions, type GuestTransport } from "@vmmkit/guest-driver";
import { legacyLayout, VIRTIO_F_VERSION_1 } from "@vmmkit/virtio";
import { NetDevice, type NetDeviceOptions } from "@vmmkit/virtio-net";
import { TestBackend } from "./test-backend.ts";

/** A modern driver's way to a device that no transport is in front of: as a server for another VMM would drive it. */
class StateTransport implements GuestTransport {
  readonly legacyLayout = true;
  readonly device: NetDevice;

  constructor(device: NetDevice) {
    this.device = device;
  }

  readDeviceFeatures(word: number): number {
    return this.device.state.offered(word, "modern");
  }

  writeDriverFeatures(word: number, bits: number): void {
    this.device.state.writeFeatures(word, bits, "modern");
  }

  readStatus(): number {
    return this.device.state.status;
  }

  writeStatus(status: number): void {
    this.device.state.writeStatus(status, "modern");
  }

  readIsr(): number {
    return this.device.state.readIsr();
  }

  readQueueSize(queue: number): number {
    return this.device.queueSizes[queue] ?? 0;
  }

  writeQueue(queue: number, descTable: number): void {
    if (descTable === 0) {
      this.device.state.disableQueue(queue);
      return;
    }
    const size = this.readQueueSize(queue);
    const { availRing, usedRing } = legacyLayout(descTable, size);
    this.device.state.enableQueue(queue, { size, descTable, driverArea: availRing, deviceArea: usedRing });
  }

  notify(queue: number): void {
    this.device.state.notify(queue);
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    const bytes = this.device.config;
    return Array.from({ length: size }, (_, i) => (bytes[offset + i] ?? 0xff) * 2 ** (8 * i)).reduce((a, b) => a + b);
  }

  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    for (let i = 0; i < size; i++) this.device.configWrite(offset + i, (value >>> (8 * i)) & 0xff, false);
  }
}

export interface StateRigOptions {
  readonly link?: Partial<LinkInfo>;
  readonly card?: NetDeviceOptions;
  /** Feature bits beside VERSION_1. */
  readonly features?: readonly number[];
  readonly guest?: GuestNetOptions;
  readonly machine?: GuestMachine;
}

/** A device without a machine, a backend below it, and a modern driver that is up. */
export interface StateRig {
  readonly machine: GuestMachine;
  readonly backend: TestBackend;
  readonly device: NetDevice;
  readonly driver: GuestNetDriver<StateTransport>;
  /** Queues that the guest was interrupted for, -1 for the configuration. */
  readonly interrupts: number[];
}

export function makeStateRig(options: StateRigOptions = {}): StateRig {
  const machine = options.machine ?? new GuestMachine();
  const backend = new TestBackend(options.link);
  const interrupts: number[] = [];
  const hooks = { interrupt: (irq: number) => interrupts.push(irq), lowerIrq: () => {} };
  const device = new NetDevice(machine.vm, backend.funcs, hooks, options.card);
  const features = [VIRTIO_F_VERSION_1, ...(options.features ?? [])];
  const driver = new GuestNetDriver(new StateTransport(device), machine.ram, { features, ...options.guest });
  driver.start();
  return { machine, backend, device, driver, interrupts };
}
