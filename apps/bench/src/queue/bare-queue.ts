import {
  allocatePackedRing,
  allocateRing,
  GuestMachine,
  type GuestRam,
  type GuestRing,
  PackedRing,
  SplitRing,
} from "@vmmkit/guest-driver";
import { type DeviceQueue, PackedQueue, QueueCounters, SplitQueue } from "@vmmkit/virtio";
import { batchOf, type LoopOptions } from "../loops/loop.ts";

/** Bytes of the header before each frame, and how far apart header, payload and slots are: as in native/rings.c. */
export const HEADER_BYTES = 12;
export const SLOT_BYTES = 2048;
const PAYLOAD_OFFSET = 64;
const SLOT_DISTANCE = 2 * SLOT_BYTES;

const MEMORY_BYTES = 4 << 20;

/** A virtqueue with a driver at its other end, and nothing else: no device, bus, interrupts or notifications. */
export class BareQueue {
  /** The device's end. */
  readonly queue: DeviceQueue;
  /** Chains in a batch: two descriptors each, header and payload. */
  readonly batch: number;
  readonly #ram: GuestRam;
  readonly #ring: GuestRing;
  readonly #writable: boolean;
  readonly #indirect: boolean;
  readonly #payloadBytes: number;
  readonly #slots: number;

  /** @param writable the device writes into the chains, or reads them */
  constructor(options: LoopOptions, writable: boolean) {
    const { ring: size, indirect, packed = false, bytes } = options;
    const { ram } = new GuestMachine({ memoryBytes: MEMORY_BYTES });
    const layout = packed ? allocatePackedRing(ram, size) : allocateRing(ram, size, false);
    const ringOptions = { indirectEntries: indirect ? 2 : 0 };
    this.#ram = ram;
    this.#ring = packed ? new PackedRing(ram, layout, ringOptions) : new SplitRing(ram, layout, ringOptions);
    this.#writable = writable;
    this.#indirect = indirect;
    this.#payloadBytes = bytes;
    this.batch = batchOf(options);
    this.#slots = ram.alloc(this.batch * SLOT_DISTANCE);
    const Queue = packed ? PackedQueue : SplitQueue;
    this.queue = new Queue(ram.memory, size, new QueueCounters());
    this.queue.features = { indirect, eventIdx: false };
    this.queue.start(layout);
  }

  /** The driver makes a batch available. */
  fill(): void {
    const ring = this.#ring;
    for (let i = 0; i < this.batch; i++) {
      const slot = this.#slots + i * SLOT_DISTANCE;
      ring.begin();
      if (this.#indirect) ring.indirect();
      if (this.#writable) {
        ring.writable(slot, HEADER_BYTES);
        ring.writable(slot + PAYLOAD_OFFSET, this.#payloadBytes);
      } else {
        ring.readable(slot, HEADER_BYTES);
        ring.readable(slot + PAYLOAD_OFFSET, this.#payloadBytes);
      }
      ring.end();
    }
    ring.publish();
  }

  /** The driver takes back what was used. @returns how many chains */
  reap(): number {
    let count = 0;
    while (this.#ring.popUsed() >= 0) count++;
    return count;
  }

  /** The payload of chain `index` in guest memory. */
  payload(index: number): Uint8Array {
    return this.#ram.bytes(this.#slots + index * SLOT_DISTANCE + PAYLOAD_OFFSET, this.#payloadBytes);
  }
}
