import type { MsixEntry } from "@vmmkit/pci";
import { stateInteger, stateIntegers, stateRecord } from "@vmmkit/vm";
import type { DeviceState } from "../device-state.ts";
import { VIRTIO_MSI_NO_VECTOR } from "../spec.ts";

/** Vectors, or NO_VECTOR. */
export interface PciVectorsState {
  readonly config: number;
  readonly queues: readonly number[];
}

/** Which MSI-X vector the driver gave to what (VIRTIO 1.2, 4.1.5.1.2). Both PCI interfaces show the same. */
export class PciVectors {
  readonly #msix: MsixEntry | null;
  readonly #queues: Uint16Array;
  #config = VIRTIO_MSI_NO_VECTOR;

  /** @param msix null where the function has no MSI-X: no vector can be given then */
  constructor(state: DeviceState, msix: MsixEntry | null) {
    this.#msix = msix;
    this.#queues = new Uint16Array(state.device.queueSizes.length).fill(VIRTIO_MSI_NO_VECTOR);
    state.onReset(() => {
      this.#config = VIRTIO_MSI_NO_VECTOR;
      this.#queues.fill(VIRTIO_MSI_NO_VECTOR);
    });
  }

  /** Whether the guest has turned MSI-X on: then there are no other interrupts. */
  get enabled(): boolean {
    return this.#msix?.enabled ?? false;
  }

  /** The vector for changes of configuration. */
  get config(): number {
    return this.#config;
  }

  /** The vector of a queue, NO_VECTOR where there is no such queue. */
  ofQueue(index: number): number {
    return this.#queues[index] ?? VIRTIO_MSI_NO_VECTOR;
  }

  /** The driver gives a vector; one that there is not reads back as NO_VECTOR (4.1.5.1.2.1). */
  setConfig(vector: number): void {
    this.#config = this.#checked(vector);
  }

  /** Likewise for a queue. */
  setQueue(index: number, vector: number): void {
    if (index < this.#queues.length) this.#queues[index] = this.#checked(vector);
  }

  /** A queue was reset by itself. */
  clearQueue(index: number): void {
    this.setQueue(index, VIRTIO_MSI_NO_VECTOR);
  }

  /** Sends the message for queue `irq`, or with -1 for a change of configuration. Without a vector nothing is sent. */
  signal(irq: number): void {
    const vector = irq < 0 ? this.#config : this.ofQueue(irq);
    if (vector !== VIRTIO_MSI_NO_VECTOR) this.#msix?.signal(vector);
  }

  save(): PciVectorsState {
    return { config: this.#config, queues: [...this.#queues] };
  }

  /** Checks what another driver gave. @returns what takes it over @throws TypeError, RangeError naming the field */
  prepare(name: string, state: unknown): () => void {
    const { config, queues } = stateRecord(name, state);
    const count = this.#queues.length;
    const all = [
      stateInteger(`${name}.config`, config, 0, VIRTIO_MSI_NO_VECTOR),
      ...stateIntegers(`${name}.queues`, queues, count, count, VIRTIO_MSI_NO_VECTOR),
    ];
    for (const vector of all) {
      if (this.#checked(vector) !== vector) throw new RangeError(`"${name}" has a vector that there is not: ${vector}`);
    }
    return () => {
      this.#config = all[0] ?? VIRTIO_MSI_NO_VECTOR;
      this.#queues.set(all.slice(1));
    };
  }

  #checked(vector: number): number {
    return this.#msix !== null && vector < this.#msix.vectors ? vector : VIRTIO_MSI_NO_VECTOR;
  }
}
