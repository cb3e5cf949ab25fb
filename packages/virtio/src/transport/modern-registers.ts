import { stateInteger, stateList, stateRecord } from "@vmmkit/vm";
import type { DeviceState } from "../device-state.ts";
import { VIRTIO_F_RING_RESET } from "../spec.ts";
import { type AddressRegister, QueueRegisters, type QueueRegistersState } from "./queue-registers.ts";

const SELECTS = ["deviceFeatureSelect", "driverFeatureSelect", "queueSelect"] as const;

/** The parts of a queue that a driver places. */
export type QueuePart = "descTable" | "driverArea" | "deviceArea";

/** What a driver wrote into the registers, beside what `DeviceState` knows. */
export interface ModernRegistersState {
  readonly deviceFeatureSelect: number;
  readonly driverFeatureSelect: number;
  readonly queueSelect: number;
  /** Queues that the driver describes, and has started or not. */
  readonly queues: readonly QueueRegistersState[];
}

/**
 * What the registers of PCI's common configuration and of MMIO have in common, wherever they are: features 32 at a
 * time, and one queue at a time that is selected, sized, placed, started and reset (VIRTIO 1.2, 4.1.4.3, 4.2.2).
 */
export class ModernRegisters {
  deviceFeatureSelect = 0;
  driverFeatureSelect = 0;
  queueSelect = 0;
  readonly #state: DeviceState;
  readonly #queues: readonly QueueRegisters[];

  constructor(state: DeviceState) {
    this.#state = state;
    this.#queues = state.device.queueSizes.map((size) => new QueueRegisters(size));
    state.onReset(() => this.#reset());
  }

  /** How many queues there are. */
  get queueCount(): number {
    return this.#queues.length;
  }

  /** Features on offer, as far as they are selected. */
  get deviceFeatures(): number {
    return this.#state.offered(this.deviceFeatureSelect, "modern");
  }

  /** Features that the driver accepted, as far as they are selected. */
  get driverFeatures(): number {
    return this.#state.driverFeatures(this.driverFeatureSelect);
  }

  set driverFeatures(value: number) {
    this.#state.writeFeatures(this.driverFeatureSelect, value, "modern");
  }

  /** Whether the selected queue is one. */
  get queueExists(): boolean {
    return this.#selected() !== undefined;
  }

  /** The most entries that the selected queue can have. */
  get queueSizeMax(): number {
    return this.#state.device.queueSizes[this.queueSelect] ?? 0;
  }

  /** Entries of the selected queue; a size that it cannot have, or that comes too late, is not taken. */
  get queueSize(): number {
    return this.#selected()?.size ?? 0;
  }

  set queueSize(size: number) {
    const queue = this.#changeable();
    if (queue !== undefined && this.#state.isQueueSize(this.queueSelect, size)) queue.size = size;
  }

  /** Whether the selected queue works. */
  get queueReady(): boolean {
    return this.#state.queues[this.queueSelect]?.ready ?? false;
  }

  /** Half of an address of the selected queue. */
  readAddress(part: QueuePart, half: keyof AddressRegister): number {
    return this.#selected()?.[part][half] ?? 0;
  }

  /** Likewise; not taken once the queue works. */
  writeAddress(part: QueuePart, half: keyof AddressRegister, value: number): void {
    const queue = this.#changeable();
    if (queue !== undefined) queue[part][half] = value;
  }

  /** Starts the selected queue. Not before the features are settled, on which the format of the rings depends (3.1.1). */
  startQueue(): void {
    const queue = this.#selected();
    if (queue !== undefined && this.#state.featuresSettled) this.#state.enableQueue(this.queueSelect, queue.place());
  }

  /** Takes the selected queue away; what the driver said of it stays. */
  stopQueue(): void {
    this.#state.resetQueue(this.queueSelect);
  }

  /** Resets the selected queue, if that was negotiated (2.6.1). @returns whether it was */
  resetQueue(): boolean {
    const queue = this.#selected();
    if (queue === undefined || !this.#state.hasFeature(VIRTIO_F_RING_RESET)) return false;
    this.stopQueue();
    queue.reset();
    return true;
  }

  save(): ModernRegistersState {
    const { deviceFeatureSelect, driverFeatureSelect, queueSelect } = this;
    return { deviceFeatureSelect, driverFeatureSelect, queueSelect, queues: this.#queues.map((one) => one.save()) };
  }

  /** Checks what other registers held. @returns what takes it over @throws TypeError, RangeError naming the field */
  prepare(name: string, state: unknown): () => void {
    const fields = stateRecord(name, state);
    const { queues } = fields;
    const saved = stateList(`${name}.queues`, queues, this.#queues.length);
    const all = this.#queues.map((one, i) => one.prepare(`${name}.queues[${i}]`, saved[i]));
    const [device = 0, driver = 0, queue = 0] = SELECTS.map((select) =>
      stateInteger(`${name}.${select}`, fields[select], 0, 0xffff_ffff),
    );
    return () => {
      this.deviceFeatureSelect = device;
      this.driverFeatureSelect = driver;
      this.queueSelect = queue;
      for (const take of all) take();
    };
  }

  #selected(): QueueRegisters | undefined {
    return this.#queues[this.queueSelect];
  }

  /** The selected queue, if the driver may still say how it is to be. */
  #changeable(): QueueRegisters | undefined {
    return this.queueReady ? undefined : this.#selected();
  }

  #reset(): void {
    this.deviceFeatureSelect = 0;
    this.driverFeatureSelect = 0;
    this.queueSelect = 0;
    for (const queue of this.#queues) queue.reset();
  }
}
