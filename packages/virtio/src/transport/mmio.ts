import { type Restoration, type Saveable, stateInteger, stateRecord } from "@vmmkit/vm";
import type { DeviceState } from "../device-state.ts";
import * as spec from "../spec.ts";
import { readConfig, writeConfig } from "./config-access.ts";
import { ModernRegisters, type ModernRegistersState, type QueuePart } from "./modern-registers.ts";
import { type Register, RegisterTable } from "./register-table.ts";

/** Bytes that the registers and the configuration take. */
export const VIRTIO_MMIO_BYTES = 0x200;

/** Version of the registers: 2 is the first that is not the legacy interface (4.2.2). */
const VERSION = 2;
/** Whoever reads the vendor means PCI's number for virtio. */
const VENDOR = spec.VIRTIO_PCI_VENDOR_ID;
const ALL_ONES = 0xffff_ffff;
/** The version of `VirtioMmioState` that this package writes, and the only one that it reads. */
const STATE_VERSION = 1;

/** A device behind registers in memory. */
export interface VirtioMmioState {
  readonly version: number;
  readonly registers: ModernRegistersState;
  /** What the device's `save` answers, or `DeviceState.save`. */
  readonly device: unknown;
}

/**
 * A virtio device as registers in memory, with one interrupt line and no bus: virtio over MMIO, version 2
 * (VIRTIO 1.2, 4.2). The legacy version 1 is not here: no driver of these years needs it.
 */
export class MmioTransport implements Saveable {
  readonly #state: DeviceState;
  readonly #shared: ModernRegisters;
  readonly #registers: RegisterTable;

  constructor(state: DeviceState) {
    this.#state = state;
    this.#shared = new ModernRegisters(state);
    this.#registers = new RegisterTable([...this.#describeDevice(), ...this.#describeQueue()]);
  }

  /** The guest reads `size` (1, 2 or 4) bytes. */
  read(offset: number, size: number): number {
    if (offset >= spec.VIRTIO_MMIO_CONFIG) {
      return readConfig(this.#state.device, offset - spec.VIRTIO_MMIO_CONFIG, size);
    }
    return this.#registers.read(offset, size);
  }

  /** The guest writes `size` (1, 2 or 4) bytes. */
  write(offset: number, size: number, value: number): void {
    if (offset === spec.VIRTIO_MMIO_QUEUE_NOTIFY) this.#state.notify(value & 0xffff);
    else if (offset < spec.VIRTIO_MMIO_CONFIG) this.#registers.write(offset, size, value);
    else writeConfig(this.#state.device, offset - spec.VIRTIO_MMIO_CONFIG, size, value);
  }

  save(): VirtioMmioState {
    const { device } = this.#state;
    return { version: STATE_VERSION, registers: this.#shared.save(), device: device.save?.() ?? this.#state.save() };
  }

  prepare(state: unknown): Restoration {
    const { version, registers, device: saved } = stateRecord("state", state);
    stateInteger("version", version, STATE_VERSION, STATE_VERSION);
    const take = this.#shared.prepare("registers", registers);
    const device = this.#state.device.prepare?.(saved) ?? this.#state.prepare(saved);
    return {
      apply: () => {
        device.apply();
        take();
      },
      resume: () => device.resume(),
    };
  }

  #describeDevice(): Register[] {
    const state = this.#state;
    const shared = this.#shared;
    return [
      readOnly("MagicValue", spec.VIRTIO_MMIO_MAGIC_VALUE, () => spec.VIRTIO_MMIO_MAGIC),
      readOnly("Version", spec.VIRTIO_MMIO_VERSION, () => VERSION),
      readOnly("DeviceID", spec.VIRTIO_MMIO_DEVICE_ID, () => state.device.deviceId),
      readOnly("VendorID", spec.VIRTIO_MMIO_VENDOR_ID, () => VENDOR),
      readOnly("DeviceFeatures", spec.VIRTIO_MMIO_DEVICE_FEATURES, () => shared.deviceFeatures),
      writeOnly("DeviceFeaturesSel", spec.VIRTIO_MMIO_DEVICE_FEATURES_SEL, (value) => {
        shared.deviceFeatureSelect = value;
      }),
      writeOnly("DriverFeatures", spec.VIRTIO_MMIO_DRIVER_FEATURES, (value) => {
        shared.driverFeatures = value;
      }),
      writeOnly("DriverFeaturesSel", spec.VIRTIO_MMIO_DRIVER_FEATURES_SEL, (value) => {
        shared.driverFeatureSelect = value;
      }),
      readOnly("InterruptStatus", spec.VIRTIO_MMIO_INTERRUPT_STATUS, () => state.isr),
      writeOnly("InterruptACK", spec.VIRTIO_MMIO_INTERRUPT_ACK, (value) => state.acknowledgeIsr(value)),
      {
        ...readOnly("Status", spec.VIRTIO_MMIO_STATUS, () => state.status),
        write: (value) => state.writeStatus(value & 0xff, "modern"),
      },
      ...[0, 4, 8, 12].map((at) => readOnly("SHMLen, SHMBase", spec.VIRTIO_MMIO_SHM_LEN_LOW + at, () => ALL_ONES)),
      readOnly("ConfigGeneration", spec.VIRTIO_MMIO_CONFIG_GENERATION, () => state.readConfigGeneration()),
    ];
  }

  #describeQueue(): Register[] {
    const shared = this.#shared;
    return [
      writeOnly("QueueSel", spec.VIRTIO_MMIO_QUEUE_SEL, (value) => {
        shared.queueSelect = value;
      }),
      readOnly("QueueNumMax", spec.VIRTIO_MMIO_QUEUE_NUM_MAX, () => shared.queueSizeMax),
      writeOnly("QueueNum", spec.VIRTIO_MMIO_QUEUE_NUM, (value) => {
        shared.queueSize = value;
      }),
      {
        ...readOnly("QueueReady", spec.VIRTIO_MMIO_QUEUE_READY, () => (shared.queueReady ? 1 : 0)),
        write: (value) => {
          if (value === 1) shared.startQueue();
          else if (value === 0) shared.stopQueue();
        },
      },
      ...this.#describeAddress("QueueDesc", spec.VIRTIO_MMIO_QUEUE_DESC_LOW, "descTable"),
      ...this.#describeAddress("QueueDriver", spec.VIRTIO_MMIO_QUEUE_AVAIL_LOW, "driverArea"),
      ...this.#describeAddress("QueueDevice", spec.VIRTIO_MMIO_QUEUE_USED_LOW, "deviceArea"),
      {
        // A reset is over when the write is.
        ...readOnly("QueueReset", spec.VIRTIO_MMIO_QUEUE_RESET, () => 0),
        write: (value) => {
          if (value === 1) shared.resetQueue();
        },
      },
    ];
  }

  #describeAddress(name: string, offset: number, part: QueuePart): Register[] {
    return (["low", "high"] as const).map((half, index) => ({
      ...readOnly(`${name} ${half}`, offset + 4 * index, () => this.#shared.readAddress(part, half)),
      write: (value) => this.#shared.writeAddress(part, half, value),
    }));
  }
}

function readOnly(name: string, offset: number, read: () => number): Register {
  return { name, offset, bytes: 4, read };
}

/** Reads as 0, which the specification leaves open. */
function writeOnly(name: string, offset: number, write: (value: number) => void): Register {
  return { name, offset, bytes: 4, read: () => 0, write };
}
