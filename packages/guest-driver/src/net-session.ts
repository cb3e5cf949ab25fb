import { VIRTIO_NET_RX_QUEUE, VIRTIO_NET_TX_QUEUE } from "@vmmkit/virtio";
import { type NetQueue, publishAndKick } from "./net-queue.ts";
import { NetReceive } from "./net-receive.ts";
import { makeNetQueue, type NetSetup } from "./net-setup.ts";
import { NetTransmit } from "./net-transmit.ts";
import { PackedRing } from "./packed-ring.ts";
import { freePackedRing, freeRing } from "./ring-memory.ts";

/** How many rings' worth of frames one interrupt may take. */
const BUDGET_RINGS = 4;

/** A card's queues and what is done with them, from their set-up to the next reset. */
export class NetSession {
  /** The transmit queue. */
  readonly txQueue: NetQueue;
  /** The receive queue. */
  readonly rxQueue: NetQueue;
  readonly tx: NetTransmit;
  readonly rx: NetReceive;
  readonly #setup: NetSetup;
  readonly #inbox: Uint8Array[] = [];
  /** `drain` stopped at its budget; the next look into the inbox goes on. */
  #unfinished = false;

  /** Makes both rings and their buffers, and tells the device where they are. @param pair number of the queue pair */
  constructor(setup: NetSetup, pair = 0) {
    this.#setup = setup;
    this.txQueue = makeNetQueue(setup, 2 * pair + VIRTIO_NET_TX_QUEUE);
    this.rxQueue = makeNetQueue(setup, 2 * pair + VIRTIO_NET_RX_QUEUE);
    this.tx = new NetTransmit(setup.ram, this.txQueue);
    this.rx = new NetReceive(setup.ram, this.rxQueue);
    const { interrupts, txInterrupts } = setup.options;
    if (txInterrupts !== true || interrupts === "off") this.txQueue.ring.disableInterrupts();
    if (interrupts === "off") this.rxQueue.ring.disableInterrupts();
  }

  /** Gives all memory back. The device must have been reset before. */
  dispose(): void {
    this.tx.dispose();
    this.rx.dispose();
    for (const { ring } of [this.rxQueue, this.txQueue]) {
      ring.dispose();
      if (ring instanceof PackedRing) freePackedRing(this.#setup.ram, ring.layout);
      else freeRing(this.#setup.ram, ring.layout);
    }
  }

  /** Publishes the first receive buffers without a notification, which is not allowed before DRIVER_OK (3.1.1). */
  fillReceive(): void {
    if (this.#autoRefill() && this.rx.add(this.rx.freeBuffers) > 0) this.rxQueue.ring.publish();
  }

  /** Notifies the device of what was published and not yet told, if it wants that. */
  kick(queue: NetQueue): void {
    if (queue.ring.unkickedCount > 0) publishAndKick(queue, "wanted");
  }

  /** All frames of the inbox, after a look into the ring. */
  takeAll(): Uint8Array[] {
    this.drain();
    return this.#inbox.splice(0);
  }

  /** The next frame of the inbox, which `drain` fills. */
  fromInbox(): Uint8Array | null {
    if (this.#unfinished && this.#inbox.length === 0) this.drain();
    return this.#inbox.shift() ?? null;
  }

  /**
   * Takes all frames into the inbox: interrupts off, take, interrupts on, look once more. Within a budget, so that no
   * device holds the guest forever.
   */
  drain(): void {
    const rxRing = this.rxQueue.ring;
    const txRing = this.#setup.options.txInterrupts === true ? this.txQueue.ring : null;
    let budget = BUDGET_RINGS * rxRing.size;
    let again = true;
    while (again && budget > 0) {
      rxRing.disableInterrupts();
      for (; budget > 0 && this.rx.take(); budget--) this.#inbox.push(this.#copyAndRecycle());
      this.refill();
      this.tx.reap();
      again = rxRing.enableInterrupts();
      if (txRing?.enableInterrupts() === true) again = true;
    }
    this.#unfinished = again;
  }

  /** The next frame of the ring. @param rearm asks for an interrupt where the ring is empty, and looks once more */
  fromRing(rearm: boolean): Uint8Array | null {
    if (!this.rx.take() && !(rearm && this.rxQueue.ring.enableInterrupts() && this.rx.take())) return null;
    const frame = this.#copyAndRecycle();
    this.refill();
    return frame;
  }

  /** Takes up to `limit` frames, counts them, and posts their buffers again. Nothing is copied or allocated. */
  discard(limit: number): number {
    let count = 0;
    for (; count < limit && this.rx.take(); count++) this.rx.recycle();
    if (count > 0) this.refill();
    return count;
  }

  /** Posts all free receive buffers, unless `autoRefill` is off. */
  refill(): void {
    if (this.#autoRefill() && this.rx.freeBuffers > 0) this.rx.post(this.rx.freeBuffers);
  }

  #autoRefill(): boolean {
    return this.#setup.options.rx?.autoRefill !== false;
  }

  #copyAndRecycle(): Uint8Array {
    const frame = new Uint8Array(this.rx.frameBytes);
    this.rx.copyFrame(frame);
    this.rx.recycle();
    return frame;
  }
}
