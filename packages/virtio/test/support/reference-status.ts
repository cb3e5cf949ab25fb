/** What a driver, or the device, does. */
export type StatusAction =
  | { readonly kind: "status"; readonly by: "modern" | "legacy"; readonly value: number }
  | { readonly kind: "features"; readonly by: "modern"; readonly word: number; readonly bits: number }
  | { readonly kind: "features"; readonly by: "legacy"; readonly bits: number }
  | { readonly kind: "size"; readonly queue: number; readonly size: number }
  | { readonly kind: "place"; readonly queue: number; readonly place: "good" | "misaligned" | "outside" }
  | { readonly kind: "page"; readonly queue: number; readonly page: number }
  | { readonly kind: "enable" | "queueReset"; readonly queue: number; readonly value: number }
  | { readonly kind: "notify"; readonly by: "modern" | "legacy"; readonly queue: number }
  | { readonly kind: "isr"; readonly by: "modern" | "legacy" }
  | { readonly kind: "used"; readonly queue: number }
  | { readonly kind: "changed" }
  | { readonly kind: "accepts"; readonly accepts: boolean };

/** Where the descriptors of a queue are in memory, for each kind of place. The other parts follow, a page each. */
export const PLACES = { good: 0x1_0000, misaligned: 0x1_0008, outside: 0x7fff_0000 } as const;

interface ReferenceQueue {
  /** What queue_size shows. */
  size: number;
  place: keyof typeof PLACES | null;
  ready: boolean;
}

const NEEDS_RESET = 0x40;
const FEATURES_OK = 8;
const DRIVER_OK = 4;
const VERSION_1 = 1;
const RING_PACKED = 4;
const RING_RESET = 0x100;

/**
 * The status machine of a virtio device (VIRTIO 1.2, 2.1, 2.2, 2.6, 3.1) once more, word by word, as a driver sees it
 * through the registers of PCI, and with no thought for anything else.
 */
export class ReferenceStatus {
  status = 0;
  isr = 0;
  /** The interrupt line. */
  line = false;
  /** How often somebody was told that a reset is needed. */
  lines = 0;
  readonly features = [0, 0];
  readonly queues: ReferenceQueue[];
  /** What the device was told. */
  readonly calls: string[] = [];
  readonly #sizes: readonly number[];
  readonly #offered: readonly number[];
  readonly #memoryBytes: number;
  #accepts = true;
  #tookTooMuch = false;

  constructor(sizes: readonly number[], offered: readonly number[], memoryBytes: number) {
    this.#sizes = sizes;
    this.#offered = offered;
    this.#memoryBytes = memoryBytes;
    this.queues = sizes.map((size) => ({ size, place: null, ready: false }));
  }

  get running(): boolean {
    return (this.status & DRIVER_OK) !== 0;
  }

  /** @returns what the driver reads, where it reads */
  act(action: StatusAction): number | undefined {
    switch (action.kind) {
      case "status":
        this.#status(action.value, action.by === "legacy");
        return;
      case "features":
        this.#features(action.by === "legacy" ? 0 : action.word, action.bits);
        return;
      case "accepts":
        this.#accepts = action.accepts;
        return;
      case "isr":
        return this.#readIsr();
      case "used":
        if (this.running) this.#interrupt(1);
        return;
      case "changed":
        if (this.running) this.#interrupt(2);
        return;
      default:
        this.#queue(action);
        return;
    }
  }

  #queue(action: Extract<StatusAction, { queue: number }>): void {
    const queue = this.queues[action.queue];
    if (queue === undefined) return;
    if (action.kind === "size") {
      if (!queue.ready && this.#isSize(action.queue, action.size)) queue.size = action.size;
    } else if (action.kind === "place") {
      if (!queue.ready) queue.place = action.place;
    } else if (action.kind === "page") this.#page(action.queue, queue, action.page);
    else if (action.kind === "enable") this.#enable(action.queue, queue, action.value);
    else if (action.kind === "queueReset") this.#queueReset(action.queue, queue, action.value);
    else if (action.kind === "notify" && this.running && queue.ready) this.calls.push(`notify ${action.queue}`);
  }

  #status(value: number, legacy: boolean): void {
    if (value === 0) {
      this.#reset();
      return;
    }
    const before = this.running;
    // A driver sets bits and clears none (2.1.1); NEEDS_RESET is the device's. A legacy driver knows no order (3.1.2).
    if (legacy) this.status |= value & 0xff & ~NEEDS_RESET;
    else {
      this.status |= value & 0x81;
      if ((this.status & 1) !== 0) this.status |= value & 2;
      if ((this.status & 2) !== 0 && (value & FEATURES_OK) !== 0 && this.#featuresOk()) this.status |= FEATURES_OK;
      if ((this.status & FEATURES_OK) !== 0) this.status |= value & DRIVER_OK;
    }
    if (!before && this.running) this.calls.push("driver ok");
  }

  /** FEATURES_OK that is set stays set, whatever has become of the features: they cannot change any more. */
  #featuresOk(): boolean {
    if ((this.status & FEATURES_OK) !== 0) return true;
    return !this.#tookTooMuch && ((this.features[1] ?? 0) & VERSION_1) !== 0 && this.#accepts;
  }

  #features(word: number, bits: number): void {
    if ((this.status & (FEATURES_OK | DRIVER_OK)) !== 0) return;
    const taken = (bits & (this.#offered[word] ?? 0)) >>> 0;
    if (taken !== bits >>> 0) this.#tookTooMuch = true;
    if (word < 2) this.features[word] = taken;
  }

  #reset(): void {
    this.status = 0;
    this.features.fill(0);
    this.#tookTooMuch = false;
    this.isr = 0;
    this.line = false;
    for (const [i, queue] of this.queues.entries()) {
      Object.assign(queue, { size: this.#sizes[i], place: null, ready: false });
    }
    this.calls.push("reset");
  }

  #isSize(index: number, size: number): boolean {
    if (size < 1 || size > (this.#sizes[index] ?? 0)) return false;
    return ((this.features[1] ?? 0) & RING_PACKED) !== 0 || Number.isInteger(Math.log2(size));
  }

  #enable(index: number, queue: ReferenceQueue, value: number): void {
    const settled = (this.status & (FEATURES_OK | DRIVER_OK)) !== 0;
    if (value !== 1 || !settled || queue.ready || !this.#isSize(index, queue.size)) return;
    queue.ready = true;
    // Address 0 is one as any other: memory is there.
    if (queue.place === "misaligned" || queue.place === "outside") this.#needReset();
  }

  #queueReset(index: number, queue: ReferenceQueue, value: number): void {
    if (value !== 1 || ((this.features[1] ?? 0) & RING_RESET) === 0) return;
    this.#stop(index, queue);
    Object.assign(queue, { size: this.#sizes[index], place: null });
  }

  #page(index: number, queue: ReferenceQueue, page: number): void {
    this.#stop(index, queue);
    if (page === 0) return;
    queue.ready = true;
    if (page * 4096 >= this.#memoryBytes) this.#needReset();
  }

  #stop(index: number, queue: ReferenceQueue): void {
    if (queue.ready) this.calls.push(`queue ${index} reset`);
    queue.ready = false;
  }

  #needReset(): void {
    if ((this.status & NEEDS_RESET) === 0) this.lines++;
    this.status |= NEEDS_RESET;
    if (this.running) this.#interrupt(2);
  }

  #interrupt(bit: number): void {
    this.isr |= bit;
    this.line = true;
  }

  #readIsr(): number {
    const { isr } = this;
    this.isr = 0;
    this.line = false;
    return isr;
  }
}
